"""The worklist's order: what a study's state and answer mean for who must look first."""

from gateway.studies.models import Study, StudyState, Urgency
from ictus.domain.enums import Disposition, Finding, Priority

_WAITING = (StudyState.QUEUED, StudyState.RUNNING)


def urgency_of(study: Study) -> Urgency:
    """Likely stroke, then STAT without an answer, uncertain, failed, what the model may not judge, the rest.

    A re-analysis does not move a study that already has an answer: the old answer stands until the new one. Once
    readers have decided, their finding counts and not the model's.
    """
    if study.reviewed_finding is not None:
        found = study.reviewed_finding is Finding.STROKE
        return Urgency.STROKE_LIKELY if found else Urgency.NO_STROKE_FOUND
    if study.disposition is not None:
        return _of_answer(study.disposition, study.finding, study.priority)
    if study.state is StudyState.CANCELLED:
        return Urgency.CANCELLED
    if study.priority is Priority.STAT:
        return Urgency.STAT_UNANSWERED
    if study.state is StudyState.FAILED:
        return Urgency.FAILED
    return Urgency.WAITING if study.state in _WAITING else Urgency.NEEDS_READER


def _of_answer(disposition: Disposition, finding: Finding | None, priority: Priority) -> Urgency:
    if disposition is Disposition.CONFIDENT:
        return Urgency.STROKE_LIKELY if finding is Finding.STROKE else Urgency.NO_STROKE_FOUND
    if disposition is Disposition.UNCERTAIN:
        return Urgency.UNCERTAIN
    return Urgency.STAT_UNANSWERED if priority is Priority.STAT else Urgency.NEEDS_READER
