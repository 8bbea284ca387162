"""The SQL behind the FHIR resources. Every read is scoped to a site: another site's rows are not found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased, selectinload

from gateway.auth.permissions import ResourceType
from gateway.fhir.codes import DICOM_UID
from gateway.fhir.criteria import Bound, Criteria
from gateway.fhir.facts import Facts
from gateway.fhir.imaging import REQUEST_STATUS
from gateway.jobs.models import Job, JobKind
from gateway.results.models import Result
from gateway.reviews.models import StudyReview
from gateway.studies.models import Study, StudyState
from gateway.studies.sealing import accession_reference, patient_number_reference
from ictus.domain.enums import Disposition, ReviewState
from ictus.imaging.uids import replacement_uid


@dataclass(frozen=True)
class _Source:
    """Where the rows of one type come from: its query, their key, its id, when it changed, its status."""

    query: Select[*tuple[Any, ...]]
    key: SQLColumnExpression[UUID]
    resource_id: SQLColumnExpression[Any]
    updated: SQLColumnExpression[Any]
    status: SQLColumnExpression[str] | None = None


class FhirRepository:
    """The rows behind resources, for one site.

    Args:
        session: read from, never written to.
        site_id: the caller's.
        uid_key: key of the HMACs that stand for UIDs and numbers.
    """

    def __init__(self, session: Session, site_id: UUID, uid_key: bytes) -> None:
        self._session = session
        self._site_id = site_id
        self._uid_key = uid_key

    def page(self, resource: ResourceType, wanted: Criteria, limit: int) -> Sequence[tuple[Facts, UUID]]:
        """Rows that fit, newest study first, each with its key."""
        source = self._source(resource)
        query = source.query.add_columns(source.updated, source.key).where(Study.site_id == self._site_id)
        query = query.where(*self._conditions(resource, source, wanted))
        if wanted.after is not None:
            at = tuple_(wanted.after.received_at, wanted.after.row_id)
            query = query.where(tuple_(Study.received_at, source.key) < at)
        query = query.order_by(Study.received_at.desc(), source.key.desc()).limit(limit)
        loaded = [selectinload(Study.identity)]
        if resource is ResourceType.IMAGING_STUDY:
            loaded.append(selectinload(Study.series))
        rows = self._session.execute(query.options(*loaded)).all()
        return [(_facts(resource, tuple(row[:-1])), row[-1]) for row in rows]

    def readings(self, studies: Iterable[UUID]) -> dict[UUID, StudyReview]:
        """The review of each study that was decided last."""
        reviews = self._session.scalars(
            select(StudyReview)
            .where(StudyReview.study_id.in_(set(studies)), StudyReview.state == ReviewState.FINAL)
            .order_by(StudyReview.decided_at)
        )
        return {review.study_id: review for review in reviews}

    def _conditions(
        self, resource: ResourceType, source: _Source, wanted: Criteria
    ) -> Iterable[ColumnElement[bool]]:
        if wanted.ids is not None:
            ids = wanted.ids if resource is ResourceType.DEVICE else uuids_among(wanted.ids)
            yield source.resource_id.in_(ids)
        if wanted.patient is not None:
            yield or_(
                Study.patient_ref == wanted.patient,
                and_(Study.patient_ref.is_(None), Study.id == wanted.patient),
            )
        if wanted.identifier is not None:
            yield self._identified(resource, wanted)
        if wanted.statuses is not None and source.status is not None:
            yield source.status.in_(wanted.statuses)
        yield from within(source.updated, wanted.updated)

    def _identified(self, resource: ResourceType, wanted: Criteria) -> ColumnElement[bool]:
        """Numbers are compared by what stands for them here; nothing has to be opened."""
        assert wanted.identifier is not None  # noqa: S101  asked before
        system, value = wanted.identifier.system, wanted.identifier.value.strip()
        own = f"urn:ictus:site:{self._site_id}:"
        if resource is ResourceType.PATIENT:
            if system not in {None, f"{own}patient-id"} or not value:
                return false()
            return Study.patient_ref == patient_number_reference(self._uid_key, self._site_id, value)
        fits: list[ColumnElement[bool]] = []
        if system in {None, DICOM_UID} and value:
            uid = value.removeprefix("urn:oid:")
            fits.append(Study.study_uid.in_([uid, replacement_uid(self._uid_key, uid)]))
        if system in {None, f"{own}accession-number"} and value:
            fits.append(Study.accession_ref == accession_reference(self._uid_key, self._site_id, value))
        return or_(false(), *fits)

    def _source(self, resource: ResourceType) -> _Source:
        answered = func.greatest(Result.completed_at, Study.reviewed_at)
        answers = select(Study, Result).join(Result, Result.study_id == Study.id)
        match resource:
            case ResourceType.PATIENT:
                patient = func.coalesce(Study.patient_ref, Study.id)
                return _Source(
                    select(Study).where(_newest_of_patient()), Study.id, patient, Study.received_at
                )
            case ResourceType.IMAGING_STUDY:
                status = case((Study.state == StudyState.HELD, "registered"), else_="available")
                return _Source(select(Study), Study.id, Study.id, Study.received_at, status)
            case ResourceType.SERVICE_REQUEST:
                orders = select(Study, Job).join(Job, Job.study_id == Study.id)
                orders = orders.where(Job.kind == JobKind.PRIMARY)
                updated = func.greatest(Job.created_at, Job.started_at, Job.finished_at)
                words = [(Job.state == state, word) for state, word in REQUEST_STATUS.items()]
                return _Source(orders, Job.id, Job.id, updated, case(*words, else_="unknown"))
            case ResourceType.DIAGNOSTIC_REPORT:
                latest = answers.where(_latest_result())
                return _Source(latest, Study.id, Study.id, answered, _reviewed_status())
            case ResourceType.OBSERVATION | ResourceType.PROVENANCE:
                return _Source(answers, Result.job_id, Result.job_id, answered, _reviewed_status())
            case ResourceType.DEVICE:
                first = answers.where(Result.job_id.in_(self._first_answers()))
                return _Source(first, Result.job_id, _DIGEST, Result.completed_at)

    def _first_answers(self) -> Select[UUID]:
        """The first answer that each model gave at the site."""
        return (
            select(Result.job_id)
            .join(Study, Study.id == Result.study_id)
            .where(Study.site_id == self._site_id)
            .ext(distinct_on(_DIGEST))
            .order_by(_DIGEST, Result.completed_at, Result.job_id)
        )


_DIGEST = Result.prediction["model_sha256"].astext


def _facts(resource: ResourceType, row: tuple[Any, ...]) -> Facts:
    study: Study = row[0]
    updated = row[-1]
    match resource:
        case ResourceType.PATIENT | ResourceType.IMAGING_STUDY:
            return Facts(study, study.id, updated)
        case ResourceType.SERVICE_REQUEST:
            return Facts(study, row[1].id, updated, job=row[1])
        case _:
            return Facts(study, row[1].job_id, updated, result=row[1])


def within(updated: SQLColumnExpression[Any], bounds: Iterable[Bound]) -> Iterable[ColumnElement[bool]]:
    """The conditions that a time lies within all bounds."""
    for bound in bounds:
        if bound.since is not None:
            yield updated >= bound.since
        if bound.until is not None:
            yield updated < bound.until


def uuids_among(ids: Iterable[str]) -> list[UUID]:
    """Those that can be an id of a row at all."""
    found = []
    for one in ids:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return found


def _reviewed_status() -> ColumnElement[str]:
    """As ``facts.status_of`` says it."""
    confident = Result.prediction["disposition"].astext == Disposition.CONFIDENT.value
    contradicted = Study.reviewed_finding.is_distinct_from(Result.prediction["finding"].astext)
    return case(
        (Study.reviewed_at.is_(None), "preliminary"),
        (and_(confident, contradicted), "corrected"),
        else_="final",
    )


def _newest_of_patient() -> ColumnElement[bool]:
    """Whether no newer study of the same patient is there: each patient is told of once."""
    newer = aliased(Study)
    later = tuple_(newer.received_at, newer.id) > tuple_(Study.received_at, Study.id)
    same = and_(newer.site_id == Study.site_id, newer.patient_ref == Study.patient_ref)
    return not_(select(newer.id).where(same, later).exists())


def _latest_result() -> ColumnElement[bool]:
    newer = aliased(Result)
    latest = (
        select(newer.job_id)
        .where(newer.study_id == Study.id)
        .order_by(newer.completed_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    return Result.job_id == latest
