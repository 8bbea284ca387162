"""Taking results and verdicts."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from feedback.cases.embeddings import SliceEmbeddings
from feedback.cases.service import CaseService
from feedback.erasure.tombstones import hold_study, is_erased
from feedback.reviews.errors import (
    ReviewChangedError,
    ReviewFinalError,
    ReviewItemDiffersError,
    SliceUnknownError,
    StudyErasedError,
    VerdictContradictsItselfError,
)
from feedback.reviews.models import StoredReview, StoredVerdict
from feedback.reviews.policy import contradicts_near_certainty, decide
from feedback.reviews.queue import learning_value, urgency_of
from feedback.reviews.repository import ReviewRepository
from feedback.settings import Policy
from ictus.contracts.reviews import ReviewItem, VerdictRequest
from ictus.domain.enums import Finding, Priority, ReviewState
from ictus.domain.errors import NotFoundError
from ictus.domain.ids import new_id


class ReviewService:
    """Reviews within one transaction.

    Args:
        session: committed by the caller.
        policy: the installation's rules.
        cases: makes training cases of what is decided.
        clock: gives the present time, with its time zone.
    """

    def __init__(
        self, session: Session, policy: Policy, cases: CaseService, clock: Callable[[], datetime]
    ) -> None:
        self._session = session
        self._reviews = ReviewRepository(session)
        self._policy = policy
        self._cases = cases
        self._clock = clock

    def put(self, item: ReviewItem) -> None:
        """Take a result. The same one again changes nothing; a higher priority and what was unknown is taken over.

        Raises:
            StudyErasedError: its study was erased.
            ReviewItemDiffersError: the job has a result that says something else.
        """
        hold_study(self._session, item.study_id)
        if is_erased(self._session, item.study_id):
            raise StudyErasedError
        if self._reviews.insert(item, self._clock()):
            return
        stored = self._reviews.lock(item.job_id)
        if stored is None:
            raise NotFoundError
        merged = _merged(stored.item(), item)
        if merged is None:
            raise ReviewItemDiffersError
        for name in ReviewItem.model_fields.keys() - {"schema_version"}:
            value = getattr(merged, name)
            value = list(value) if isinstance(value, tuple) else value
            if getattr(stored, name) != value:
                setattr(stored, name, value)
        stored.urgency, stored.learning_rank = int(urgency_of(merged)), -learning_value(merged)
        self._session.flush()

    def get(self, job_id: UUID) -> StoredReview:
        """A review. Raises ``NotFoundError``."""
        stored = self._reviews.find(job_id)
        if stored is None:
            raise NotFoundError
        return stored

    def judge(
        self, job_id: UUID, request: VerdictRequest, embeddings: SliceEmbeddings | None
    ) -> StoredReview:
        """Take a verdict down, and what the review comes to by it.

        Args:
            job_id: of the result.
            request: the verdict; the reader's earlier one is replaced by it.
            embeddings: of the result's slices, None where they cannot be had now.

        Raises:
            NotFoundError: there is no such review.
            ReviewFinalError: it is decided.
            ReviewChangedError: it is not the one that the reader saw.
            VerdictContradictsItselfError: ``agrees`` and ``finding`` do not fit together.
            SliceUnknownError: a marked slice does not exist.
        """
        stored = self._reviews.lock(job_id)
        if stored is None:
            raise NotFoundError
        if stored.state is ReviewState.FINAL:
            raise ReviewFinalError
        if stored.revision != request.expected_revision:
            raise ReviewChangedError
        item, now = stored.item(), self._clock()
        verdict = self._verdict(item, request, now)
        stored.verdicts = [one for one in stored.verdicts if one.reader_id != request.reader_id]
        self._session.flush()  # the reader's earlier verdict goes before the new one comes
        stored.verdicts.append(verdict)

        verdicts = [one.as_contract() for one in stored.verdicts]
        outlier = any(self._is_outlier(item, one.finding, embeddings) for one in verdicts)
        decision = decide(item, verdicts, self._policy, is_outlier=outlier)
        stored.state, stored.second_reader_reason = decision.state, decision.reason
        stored.revision += 1
        if decision.state is ReviewState.FINAL:
            stored.final_finding, stored.final_subtype = decision.finding, decision.subtype
            stored.decided_at = now
            stored.agrees_with_model = decision.finding is item.finding
            self._session.flush()
            self._cases.make(item, decision, embeddings, now)
        self._session.flush()
        return stored

    def _verdict(self, item: ReviewItem, request: VerdictRequest, now: datetime) -> StoredVerdict:
        finding = item.finding if request.agrees and request.finding is None else request.finding
        if request.agrees != (finding is item.finding):
            raise VerdictContradictsItselfError
        marked = {*request.key_slices, *(region.slice_index for region in request.regions)}
        if item.slice_scores and any(index >= len(item.slice_scores) for index in marked):
            raise SliceUnknownError
        return StoredVerdict(
            verdict_id=new_id(),
            reader_id=request.reader_id,
            agrees=request.agrees,
            finding=finding,
            subtype=request.subtype,
            key_slices=list(request.key_slices),
            regions=[region.model_dump(mode="json") for region in request.regions],
            confidence=request.confidence,
            comment=_storable(request.comment),
            excluded_from_training=request.excluded_from_training,
            exclusion_reason=_storable(request.exclusion_reason or "") or None,
            given_at=now,
        )

    def _is_outlier(
        self, item: ReviewItem, finding: Finding | None, embeddings: SliceEmbeddings | None
    ) -> bool:
        return (
            finding is not None
            and contradicts_near_certainty(item, finding, self._policy)
            and not self._cases.alike_support(item, finding, embeddings)
        )


def _merged(stored: ReviewItem, told: ReviewItem) -> ReviewItem | None:
    """The result with what is newly known of it; None when the two say different things."""
    changes: dict[str, object] = {}
    if told.priority is Priority.STAT:  # never lowered: messages may overtake each other
        changes["priority"] = Priority.STAT
    for name in ReviewItem.model_fields.keys() - {"priority"}:
        before, now = getattr(stored, name), getattr(told, name)
        if before == now or now in (None, ()):
            continue
        if before not in (None, ()):
            return None
        changes[name] = now
    return stored.model_copy(update=changes)


def _storable(typed: str) -> str:
    """What somebody typed, without the one character that PostgreSQL cannot keep."""
    return typed.replace("\x00", "")
