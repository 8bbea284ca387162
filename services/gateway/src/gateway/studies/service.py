"""Studies as their site's people see them: worklist, detail, pictures, further analyses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.cursor import CursorError, decode_cursor, encode_cursor
from gateway.identity import IdentityCipher
from gateway.jobs.errors import JobEndedError
from gateway.jobs.models import Job
from gateway.jobs.repository import JobRepository
from gateway.jobs.schemas import AnalysisRequest, JobDetail
from gateway.jobs.service import JobService
from gateway.paging import Page
from gateway.results.schemas import ResultDetail
from gateway.results.service import latest_result
from gateway.studies.errors import StudyHeldError
from gateway.studies.models import Series, Study, StudyState
from gateway.studies.repository import StudyRepository, WorklistPosition
from gateway.studies.schemas import (
    SeriesDetail,
    StudyDetail,
    StudySearch,
    StudySummary,
    Window,
    WorklistQuery,
)
from gateway.studies.sealing import open_person
from ictus.domain.errors import NotFoundError
from ictus.imaging.volume import VoxelUnits

_LOOKED_AT_ONCE: Final = 200
_LOOKS: Final = 5
"""Batches of studies that one page of a search opens."""

DEFAULT_WINDOWS = {
    VoxelUnits.HOUNSFIELD: Window(center=40, width=80),  # the brain window
    VoxelUnits.NORMALISED: Window(center=2047.5, width=4095),
    VoxelUnits.DISPLAY: Window(center=127.5, width=255),
}


class StudyService:
    """Studies of one site within ``session``'s transaction. Another site's id raises ``NotFoundError``."""

    def __init__(self, session: Session, site_id: UUID, cipher: IdentityCipher) -> None:
        self._session = session
        self._site_id = site_id
        self._cipher = cipher
        self._studies = StudyRepository(session)
        self._jobs = JobRepository(session)

    def worklist(self, wanted: WorklistQuery) -> Page[StudySummary]:
        """A page of the worklist. Raises ``CursorError``."""
        after = _position(wanted.cursor) if wanted.cursor else None
        found = self._studies.worklist(self._site_id, wanted, after, wanted.limit + 1)
        page = found[: wanted.limit]
        more = len(found) > wanted.limit
        return Page[StudySummary](
            items=[self.summary(study) for study in page],
            next_cursor=_cursor(WorklistPosition.of(page[-1])) if more else None,
        )

    def search(self, wanted: StudySearch) -> Page[StudySummary]:
        """A page of the worklist's studies that the text fits. Raises ``CursorError``.

        Who the patient is stands nowhere in the clear, so each study's identity is opened and looked at. One
        page looks at so many studies and no more; the next one goes on behind them.
        """
        words = _plain(wanted.text).split()
        after = _position(wanted.cursor) if wanted.cursor else None
        found: list[StudySummary] = []
        for _ in range(_LOOKS):
            batch = self._studies.worklist(self._site_id, wanted, after, _LOOKED_AT_ONCE)
            for study in batch:
                after = WorklistPosition.of(study)
                line = self.summary(study)
                if _fits(line, words):
                    found.append(line)
                if len(found) == wanted.limit:
                    return Page[StudySummary](items=found, next_cursor=_cursor(after))
            if len(batch) < _LOOKED_AT_ONCE:
                return Page[StudySummary](items=found, next_cursor=None)
        return Page[StudySummary](items=found, next_cursor=_cursor(after) if after else None)

    def get(self, study_id: UUID) -> Study:
        """The study."""
        study = self._studies.get(self._site_id, study_id)
        if study is None:
            raise NotFoundError("There is no such study.")
        return study

    def summary(self, study: Study) -> StudySummary:
        """A study's line of the worklist."""
        return StudySummary(
            id=study.id,
            state=study.state,
            priority=study.priority,
            modality=study.modality,
            urgency=study.urgency,
            received_at=study.received_at,
            analysis_started_at=study.analysis_started_at,
            completed_at=study.completed_at,
            disposition=study.disposition,
            finding=study.finding,
            stroke_probability=study.stroke_probability,
            confidence=study.confidence,
            hold_reasons=study.hold_reasons,
            review_state=study.review_state,
            reviewed_finding=study.reviewed_finding,
            reviewed_at=study.reviewed_at,
            patient=open_person(self._cipher, study.identity),
        )

    def detail(self, study: Study) -> StudyDetail:
        """A study with everything that its page shows."""
        job = self._jobs.latest_of(study.id)
        result = latest_result(self._session, study.id)
        return StudyDetail(
            **self.summary(study).model_dump(),
            site_id=study.site_id,
            left_out=study.left_out,
            series=[_series_detail(one) for one in study.series],
            job=JobDetail.model_validate(job) if job else None,
            result=ResultDetail.of(result) if result else None,
        )

    def analyse_again(self, study_id: UUID, wish: AnalysisRequest, jobs: JobService, caller_id: UUID) -> Job:
        """Queue another analysis. Raises ``StudyHeldError``, ``AnalysisOpenError``."""
        study = self._studies.get(self._site_id, study_id, lock=True)
        if study is None:
            raise NotFoundError("There is no such study.")
        if study.state is StudyState.HELD:
            raise StudyHeldError
        if wish.priority is not None:
            study.priority = wish.priority
        return jobs.enqueue(study, caller_id, wish.model_version)

    def cancel_analysis(self, study_id: UUID, jobs: JobService) -> Job:
        """Cancel the study's open analysis. Raises ``JobEndedError`` when there is none."""
        job = self._jobs.latest_of(self.get(study_id).id)
        if job is None:
            raise JobEndedError
        return jobs.cancel(job.id)


def _plain(text: str) -> str:
    """Text as it is compared: DICOM separates a name's parts by ``^`` and its ways of writing by ``=``."""
    return text.casefold().replace("^", " ").replace("=", " ")


def _fits(line: StudySummary, words: Sequence[str]) -> bool:
    patient = line.patient
    told = (patient.patient_name, patient.patient_id, patient.accession_number) if patient else ()
    shown = _plain(" ".join(filter(None, told)))
    return all(word in shown or str(line.id).startswith(word) for word in words)


def _series_detail(series: Series) -> SeriesDetail:
    spacing = series.spacing_mm
    return SeriesDetail(
        id=series.id,
        modality=series.modality,
        modality_stated=series.modality_stated,
        source_format=series.source_format,
        description=series.description,
        body_part=series.body_part,
        dtype="uint8" if series.units is VoxelUnits.DISPLAY else "int16",
        units=series.units,
        slices=series.slices,
        rows=series.rows,
        columns=series.columns,
        spacing_mm=(spacing[0], spacing[1], spacing[2]) if spacing else None,
        default_window=DEFAULT_WINDOWS[series.units],
        warnings=series.warnings,
    )


def _cursor(position: WorklistPosition) -> str:
    return encode_cursor(str(position.urgency), position.received_at.isoformat(), str(position.id))


def _position(cursor: str) -> WorklistPosition:
    urgency, received_at, study_id = decode_cursor(cursor, 3)
    try:
        return WorklistPosition(int(urgency), datetime.fromisoformat(received_at), UUID(study_id))
    except ValueError:
        raise CursorError from None
