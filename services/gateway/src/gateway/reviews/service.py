"""Reviews: asked of and told to the feedback service, joined with what only the gateway knows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from gateway.auth.caller import Caller
from gateway.auth.models import User
from gateway.cursor import CursorError
from gateway.identity import IdentityCipher
from gateway.paging import Page
from gateway.results.models import Result
from gateway.results.review_item import review_item
from gateway.results.service import latest_result
from gateway.reviews.copies import note_reviews
from gateway.reviews.errors import ReviewChangedError, ReviewNotReadyError, VerdictRefusedError
from gateway.reviews.schemas import ReaderVerdict, ReviewDetail, ReviewLine, VerdictDraft
from gateway.reviews.wording import WAITING, why
from gateway.studies.models import Study
from gateway.studies.service import StudyService
from ictus.contracts.base import Contract
from ictus.contracts.reviews import (
    Agreement,
    Review,
    ReviewFilter,
    ReviewItem,
    ReviewPage,
    Verdict,
    VerdictRequest,
)
from ictus.domain.enums import ReviewState, Role
from ictus.domain.errors import UnavailableError
from ictus.http import RemoteError, ServiceClient

_REVIEWS = "/internal/v1/reviews"
Answer = TypeVar("Answer", bound=Contract)


class ReviewService:
    """The reviews of the caller's site.

    Each method ends the session's transaction before it calls the feedback service, so that no connection waits for
    another service, and writes in a new one afterwards.

    Args:
        session: committed by the caller, and here before each call.
        feedback: the feedback service.
        caller: who asks; what is shown and hidden depends on them.
        cipher: opens identities.
        now: the time of this request.
    """

    def __init__(
        self,
        session: Session,
        feedback: ServiceClient,
        caller: Caller,
        cipher: IdentityCipher,
        now: datetime,
    ) -> None:
        self._session = session
        self._feedback = feedback
        self._caller = caller
        self._now = now
        self._studies = StudyService(session, caller.site_id, cipher)

    def page(self, state: ReviewFilter, cursor: str | None, limit: int) -> Page[ReviewLine]:
        """A page of the queue; a result whose study was erased meanwhile is left out.

        Raises:
            UnavailableError: the feedback service does not answer.
            CursorError: it did not give out this cursor.
        """
        params = {"site_id": str(self._caller.site_id), "state": state.value, "limit": str(limit)}
        if cursor is not None:
            params["cursor"] = cursor
        self._session.commit()
        try:
            page = self._ask("GET", _REVIEWS, ReviewPage, params=params)
        except RemoteError as error:
            if error.remote_code == "cursor_refused":
                raise CursorError from error
            raise UnavailableError from error
        note_reviews(self._session, self._caller.site_id, page.items, self._now)
        studies = self._studies_of(page.items)
        lines = [
            self._line(review, studies[review.item.study_id])
            for review in page.items
            if review.item.study_id in studies
        ]
        return Page(items=lines, next_cursor=page.next_cursor)

    def of_study(self, study_id: UUID) -> ReviewDetail:
        """The review of a study's latest result.

        Raises:
            NotFoundError: the site has no such study.
            ReviewNotReadyError: it has no result yet.
            UnavailableError: the feedback service does not answer.
        """
        item = self._item(study_id)
        self._session.commit()
        review = self._review(item)
        note_reviews(self._session, self._caller.site_id, [review], self._now)
        return self._detail(review)

    def judge(self, study_id: UUID, draft: VerdictDraft) -> ReviewDetail:
        """Have a verdict taken down, and take over what the review has come to.

        Raises:
            NotFoundError: the site has no such study.
            ReviewNotReadyError: it has no result yet.
            ReviewChangedError: another result came meanwhile, another reader was faster, or the review is final.
            VerdictRefusedError: the feedback service does not accept it as it is.
            UnavailableError: the feedback service does not answer.
        """
        item = self._item(study_id)
        self._session.commit()
        review = self._review(item)
        if draft.job_id != item.job_id:
            raise self._changed(review, ReviewChangedError.title)
        request = VerdictRequest(reader_id=self._caller.id, **draft.model_dump(exclude={"job_id"}))
        try:
            judged = self._ask("POST", f"{_REVIEWS}/{item.job_id}/verdicts", Review, body=request)
        except RemoteError as error:
            if error.remote_status == HTTPStatus.CONFLICT:
                raise self._changed(self._review(item), error.detail) from error
            raise VerdictRefusedError(error.detail) from error
        note_reviews(self._session, self._caller.site_id, [judged], self._now)
        return self._detail(judged)

    def agreement(self, since: datetime | None) -> Agreement:
        """How often the site's readers agreed. Raises ``UnavailableError``."""
        params = {"site_id": str(self._caller.site_id)}
        if since is not None:
            params["since"] = since.isoformat()
        self._session.commit()
        try:
            return self._ask("GET", "/internal/v1/agreement", Agreement, params=params)
        except RemoteError as error:
            raise UnavailableError from error

    def _item(self, study_id: UUID) -> ReviewItem:
        study = self._studies.get(study_id)
        result: Result | None = latest_result(self._session, study.id)
        if result is None:
            raise ReviewNotReadyError
        return review_item(study, result)

    def _review(self, item: ReviewItem) -> Review:
        """The review of a result; one that the feedback service has not heard of is told first."""
        address = f"{_REVIEWS}/{item.job_id}"
        try:
            try:
                return self._ask("GET", address, Review)
            except RemoteError as error:
                if error.remote_status != HTTPStatus.NOT_FOUND:
                    raise
            self._feedback.tell("PUT", f"/internal/v1/review-items/{item.job_id}", body=item)
            return self._ask("GET", address, Review)
        except RemoteError as error:
            raise UnavailableError from error

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: BaseModel | None = None,
        params: dict[str, str] | None = None,
    ) -> Answer:
        told = self._feedback.call(method, path, answer, body=body, params=params)
        if told is None:
            raise UnavailableError
        return told

    def _changed(self, review: Review, detail: str) -> ReviewChangedError:
        present = self._detail(review).model_dump(mode="json")
        return ReviewChangedError(detail, extra={"review": present})

    def _studies_of(self, reviews: Iterable[Review]) -> dict[UUID, Study]:
        ids = {review.item.study_id for review in reviews}
        query = (
            select(Study)
            .where(Study.site_id == self._caller.site_id, Study.id.in_(ids))
            .options(selectinload(Study.identity), selectinload(Study.series))
        )
        return {study.id: study for study in self._session.scalars(query)}

    def _line(self, review: Review, study: Study) -> ReviewLine:
        summary = self._studies.summary(study)
        stated = summary.patient.study_description if summary.patient else None
        waiting = (self._now - review.item.predicted_at).total_seconds()
        return ReviewLine(
            **review.item.model_dump(include=set(ReviewLine.model_fields)),
            study=summary,
            description=stated or next((one.description for one in study.series if one.description), ""),
            state=review.state,
            why=why(review, blinded=self._is_blinded(review)),
            waiting_seconds=max(0.0, waiting) if review.state in WAITING else None,
            revision=review.revision,
            verdict_count=len(review.verdicts),
            judged_by_me=self._is_judge(review),
            final_finding=review.final_finding,
            decided_at=review.decided_at,
            agrees_with_model=review.agrees_with_model,
        )

    def _detail(self, review: Review) -> ReviewDetail:
        shown = () if self._is_blinded(review) else review.verdicts
        names = self._names(shown)
        reads = self._caller.role is Role.RADIOLOGIST and review.state is not ReviewState.FINAL
        return ReviewDetail(
            **review.item.model_dump(include=set(ReviewDetail.model_fields)),
            state=review.state,
            revision=review.revision,
            why=why(review, blinded=self._is_blinded(review)),
            second_reader_reason=None if self._is_blinded(review) else review.second_reader_reason,
            may_judge=reads,
            verdicts=[
                ReaderVerdict(
                    **verdict.model_dump(include=set(ReaderVerdict.model_fields)),
                    reader_name=names.get(verdict.reader_id),
                    mine=verdict.reader_id == self._caller.id,
                )
                for verdict in shown
            ],
            hidden_verdicts=len(review.verdicts) - len(shown),
            final_finding=review.final_finding,
            final_subtype=review.final_subtype,
            decided_at=review.decided_at,
            agrees_with_model=review.agrees_with_model,
        )

    def _is_blinded(self, review: Review) -> bool:
        """Whether the caller is to read as the second reader, without knowing what the first one found."""
        return (
            review.state is ReviewState.SECOND_READER
            and self._caller.role is Role.RADIOLOGIST
            and not self._is_judge(review)
        )

    def _is_judge(self, review: Review) -> bool:
        return any(verdict.reader_id == self._caller.id for verdict in review.verdicts)

    def _names(self, verdicts: Iterable[Verdict]) -> Mapping[UUID, str]:
        ids = {verdict.reader_id for verdict in verdicts}
        if not ids:
            return {}
        rows = self._session.execute(select(User.id, User.name).where(User.id.in_(ids)))
        return {user_id: name for user_id, name in rows}
