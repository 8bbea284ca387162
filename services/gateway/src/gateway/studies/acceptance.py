"""From a received upload to a study: intake, objects, one transaction, doorbell. All of it or nothing."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.identity import IdentityCipher
from gateway.jobs.service import JobService
from gateway.resources import Resources
from gateway.studies.instances import instances_of
from gateway.studies.models import Instance, Series, Study, StudyState
from gateway.studies.repository import StudyRepository
from gateway.studies.scanner import scanner_of
from gateway.studies.sealing import accession_reference, patient_reference, seal
from gateway.studies.upload import ReceivedUpload
from gateway.studies.urgency import urgency_of
from ictus.domain.enums import Priority
from ictus.domain.errors import IctusError, UnavailableError
from ictus.domain.ids import new_id
from ictus.imaging.intake import IntakeLimits, IntakeOutcome, IntakeRequest, IntakeSeries, run_intake
from ictus.imaging.volume import VoxelUnits
from ictus.storage import ObjectStore
from ictus.storage.keys import source_key, study_prefix, volume_key

_ORPHANED_AFTER: Final = timedelta(hours=1)
_STORING_THREADS: Final = 8
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of an upload: its study, whether it is new, and whether it was known and is STAT from now on."""

    study: Study
    created: bool
    priority_raised: bool = False


class StudyAcceptance:
    """Takes uploads of one caller.

    Args:
        session: the request's; committed in between, so that no connection waits while files are read.
        jobs: on the same session.
        store: where the objects go.
        cipher: seals the identity.
        uid_key: key of the HMAC that replaces DICOM UIDs.
        limits: of intake.
        now: the time of this request.
    """

    def __init__(
        self,
        session: Session,
        jobs: JobService,
        store: ObjectStore,
        cipher: IdentityCipher,
        uid_key: bytes,
        limits: IntakeLimits,
        now: datetime,
    ) -> None:
        self._session = session
        self._studies = StudyRepository(session)
        self._jobs = jobs
        self._store = store
        self._cipher = cipher
        self._uid_key = uid_key
        self._limits = limits
        self._now = now

    @classmethod
    def of(cls, resources: Resources, session: Session, jobs: JobService) -> Self:
        """With the installation's limits and keys."""
        settings = resources.settings
        limits = IntakeLimits(
            max_files=settings.max_upload_files,
            max_total_bytes=settings.max_upload_mb * 2**20,
            max_pixels=settings.max_pixels,
            max_slices=settings.max_slices,
        )
        uid_key = settings.uid_key.get_secret_value().encode()
        return cls(session, jobs, resources.store, resources.cipher, uid_key, limits, resources.clock())

    def accept(
        self, upload: ReceivedUpload, site_id: UUID, uploaded_by: UUID, job_id: UUID | None = None
    ) -> Acceptance:
        """Make a study of an upload, or find the one that these bytes made before.

        Args:
            upload: the files.
            site_id: whose study it is.
            uploaded_by: who sent it.
            job_id: the id under which the analysis of a new study was ordered; None for a new one.

        Raises:
            IntakeError: the upload is refused; nothing of it is kept.
            UnavailableError: the object store does not answer; nothing of it is kept.
        """
        known = self._known(upload, site_id)
        if known is not None:
            return known
        self._session.commit()
        outcome = run_intake(
            IntakeRequest(
                paths=upload.files,
                uid_key=self._uid_key,
                workdir=upload.workdir,
                declared_modality=upload.form.modality,
                limits=self._limits,
            )
        )
        study = self._described(outcome, upload, site_id, uploaded_by)
        instances = instances_of(study, outcome)
        study.scanner = scanner_of(one for one in instances if one.series_id == study.series[0].id)
        prefix = study_prefix(study.id)
        # From here on a crash at any point leaves this note, and the sweep removes what was stored.
        self._studies.note_removal(prefix, self._now + _ORPHANED_AFTER)
        self._session.commit()
        try:
            self._store_objects(study, outcome)
            self._insert(study, prefix, instances, job_id)
        except IntegrityError:
            self._discard(prefix)
            known = self._known(upload, site_id)
            if known is None:  # the other one has been erased in this very moment
                raise UnavailableError(retry_after=1) from None
            return known
        except Exception:
            self._discard(prefix)
            raise
        return Acceptance(study, created=True)

    def _known(self, upload: ReceivedUpload, site_id: UUID) -> Acceptance | None:
        """The study that these bytes made before. Sent again as STAT it becomes STAT; nothing else changes."""
        study = self._studies.by_content(site_id, upload.content_sha256)
        if study is None:
            return None
        raised = upload.form.priority is Priority.STAT and self._jobs.raise_priority(study)
        return Acceptance(study, created=False, priority_raised=raised)

    def _insert(self, study: Study, prefix: str, instances: Sequence[Instance], job_id: UUID | None) -> None:
        self._studies.add(study)
        self._session.add_all(instances)
        if not self._studies.keep_objects(prefix):
            raise UnavailableError("Storing the upload took too long. Please send it again.")
        if study.state is StudyState.HELD:
            held = StudyEvent(
                kind=EventKind.STUDY_HELD, study_id=study.id, at=self._now, priority=study.priority
            )
            announce(self._session, study.site_id, held)
        else:
            self._jobs.enqueue(study, study.uploaded_by, job_id=job_id)

    def _described(
        self, outcome: IntakeOutcome, upload: ReceivedUpload, site_id: UUID, uploaded_by: UUID
    ) -> Study:
        study_id = new_id()
        study = Study(
            id=study_id,
            site_id=site_id,
            content_sha256=upload.content_sha256,
            study_uid=outcome.study_uid,
            modality=outcome.series[0].modality,
            priority=upload.form.priority,
            hold_reasons=list(outcome.hold_reasons),
            left_out=[one.code for one in outcome.left_out],
            uploaded_by=uploaded_by,
            received_at=self._now,
            state=StudyState.HELD if outcome.hold_reasons else StudyState.QUEUED,
            series=[_series(study_id, position, one) for position, one in enumerate(outcome.series)],
        )
        study.urgency = urgency_of(study)
        if outcome.identity is not None:
            study.identity = seal(self._cipher, study_id, outcome.identity)
            study.patient_ref = patient_reference(self._uid_key, site_id, outcome.identity)
            number = (outcome.identity.accession_number or "").strip()
            if number:
                study.accession_ref = accession_reference(self._uid_key, site_id, number)
        return study

    def _store_objects(self, study: Study, outcome: IntakeOutcome) -> None:
        files: list[tuple[str, Path]] = []
        for row, taken in zip(study.series, outcome.series, strict=True):
            files.append((row.volume_key, taken.volume_path))
            for number, path in enumerate(taken.source_paths):
                files.append((source_key(study.id, row.id, number, path.suffix), path))
        with ThreadPoolExecutor(min(_STORING_THREADS, len(files))) as pool:
            for stored in [pool.submit(self._store.put_file, key, path) for key, path in files]:
                stored.result()

    def _discard(self, prefix: str) -> None:
        """Undo. What cannot be removed now is left to the sweep, by the note."""
        self._session.rollback()
        try:
            self._store.delete_prefix(prefix)
        except IctusError as error:
            _log.warning("upload_objects_left", code=error.code)
            return
        self._studies.keep_objects(prefix)
        self._session.commit()


def _series(study_id: UUID, position: int, taken: IntakeSeries) -> Series:
    series_id = new_id()
    slices, rows, columns = taken.shape
    return Series(
        id=series_id,
        study_id=study_id,
        position=position,
        modality=taken.modality,
        modality_stated=taken.modality_stated,
        source_format=taken.source_format,
        series_uid=taken.series_uid,
        description=taken.description,
        body_part=taken.body_part,
        volume_key=volume_key(study_id, series_id),
        volume_sha256=taken.volume_sha256,
        voxels_offset=taken.data_offset,
        dtype="uint8" if taken.units is VoxelUnits.DISPLAY else "int16",
        units=taken.units,
        slices=slices,
        rows=rows,
        columns=columns,
        spacing_mm=list(taken.spacing_mm) if taken.spacing_mm else None,
        source_files=len(taken.source_paths),
        indexed=True,
        warnings=list(taken.warnings),
    )
