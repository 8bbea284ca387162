"""From a received study that has been quiet to a study: the acceptance that uploads have, on the spooled files.

A crash at any point leaves the row and the files, and the study is taken up again when its lease has run out.
"""

import hashlib
import shutil
import tempfile
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gateway.audit.trail import AuditEntry
from gateway.database import after_commit
from gateway.dimse.models import IncomingState, IncomingStudy
from gateway.dimse.spool import WAITING, Spool
from gateway.jobs.doorbell import Doorbell
from gateway.jobs.policy import JobPolicy
from gateway.jobs.repository import JobRepository
from gateway.jobs.service import JobService
from gateway.pulls.arrival import Arrivals, is_being_fetched
from gateway.resources import Resources
from gateway.studies.acceptance import StudyAcceptance
from gateway.studies.models import Instance, Study
from gateway.studies.schemas import UploadForm
from gateway.studies.upload import ReceivedUpload, content_digest
from ictus.domain.enums import Priority
from ictus.domain.errors import IctusError, IntakeError, NoUsableSeriesError

_LEASE: Final = timedelta(minutes=10)
_TRY_AGAIN: Final = timedelta(seconds=30)
_MOST_TRIES: Final = 20
_ORPHANED_AFTER: Final = timedelta(hours=1)
_ABANDONED_AFTER: Final = timedelta(days=1)
_FOLDERS_OF_PROCESSES: Final = ("ictus-upload-", "ictus-receive-", "ictus-pull-")
"""Folders that exist for as long as a process works in them. The work directory outlives processes, and they name patients."""
_FORGOTTEN_AFTER: Final = timedelta(days=30)
_log = structlog.get_logger(__name__)


def complete_quiet_studies(resources: Resources, *, most: int = 20) -> int:
    """Accept up to ``most`` studies of which nothing has come for the quiet time; how many were looked at."""
    spool = Spool(resources)
    for done in range(most):
        incoming_id = _take_one(resources)
        if incoming_id is None:
            return done
        with resources.sessions() as session:
            _complete(resources, session, spool, incoming_id)
    return most


def discard_overdue(resources: Resources, *, most: int = 100) -> int:
    """Remove the files of quarantined studies whose time is over, and rows that nobody needs; how many."""
    spool, now = Spool(resources), resources.clock()
    with resources.sessions.begin() as session:
        overdue = session.scalars(
            select(IncomingStudy)
            .where(IncomingStudy.state == IncomingState.QUARANTINED, IncomingStudy.next_try_at <= now)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        for incoming in overdue:
            discard(spool, incoming)
        old = session.scalars(
            select(IncomingStudy)
            .where(
                IncomingStudy.state.in_((IncomingState.ACCEPTED, IncomingState.DISCARDED)),
                IncomingStudy.last_received_at <= now - _FORGOTTEN_AFTER,
            )
            .limit(most)
        ).all()
        for incoming in old:
            session.delete(incoming)
    return len(overdue) + len(old) + _remove_leftovers(resources, spool, now)


def _remove_leftovers(resources: Resources, spool: Spool, now: datetime) -> int:
    """Remove what a crash left of studies that are accepted: it names patients."""
    removed = 0
    with resources.sessions() as session:
        for folder in spool.root.iterdir():
            incoming = session.get(IncomingStudy, UUID(folder.name))
            if incoming is None:
                # Its row may not be committed yet.
                left = folder.stat().st_mtime < (now - _ORPHANED_AFTER).timestamp()
            else:
                left = incoming.state not in WAITING
            if left:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed + _remove_abandoned(resources.settings.work_dir, now)


def _remove_abandoned(work_dir: Path | None, now: datetime) -> int:
    """Remove folders in which a process that was killed had an upload, a pull or a study that it read."""
    if work_dir is None:
        return 0
    before = (now - _ABANDONED_AFTER).timestamp()
    left = [
        folder
        for prefix in _FOLDERS_OF_PROCESSES
        for folder in work_dir.glob(f"{prefix}*")
        if _is_older(folder, before)
    ]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _is_older(folder: Path, timestamp: float) -> bool:
    try:
        return folder.stat().st_mtime < timestamp
    except FileNotFoundError:  # its process has ended in this very moment
        return False


def discard(spool: Spool, incoming: IncomingStudy) -> None:
    """Remove the files of a study that was refused; its row stays for the record."""
    shutil.rmtree(spool.folder(incoming.id), ignore_errors=True)
    incoming.state = IncomingState.DISCARDED
    incoming.next_try_at = None


def _take_one(resources: Resources) -> UUID | None:
    """Lease the study that has waited longest."""
    now = resources.clock()
    quiet = now - timedelta(seconds=resources.settings.dimse_quiet_seconds)
    with resources.sessions.begin() as session:
        incoming = session.scalar(
            select(IncomingStudy)
            .where(
                or_(
                    and_(
                        IncomingStudy.state == IncomingState.RECEIVING,
                        IncomingStudy.last_received_at <= quiet,
                        ~is_being_fetched(IncomingStudy.site_id, IncomingStudy.study_uid, now),
                    ),
                    and_(IncomingStudy.state == IncomingState.ACCEPTING, IncomingStudy.next_try_at <= now),
                )
            )
            .order_by(IncomingStudy.last_received_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if incoming is None:
            return None
        incoming.state = IncomingState.ACCEPTING
        incoming.next_try_at = now + _LEASE
        incoming.tries += 1
        return incoming.id


def _complete(resources: Resources, session: Session, spool: Spool, incoming_id: UUID) -> None:
    incoming = session.get_one(IncomingStudy, incoming_id)
    audit = AuditEntry("study.receive", "study", incoming.study_uid)
    audit.actor_kind, audit.actor_id, audit.site_id = (
        incoming.sender_kind,
        incoming.sender_id,
        incoming.site_id,
    )
    audit.object_id = None
    now = resources.clock()
    try:
        study, created = _accepted(resources, session, spool, incoming)
    except IntakeError as error:
        session.rollback()
        _quarantine(resources, session, incoming, error, now)
        audit.write(session, now, error)
        session.commit()
        return
    except (IctusError, OperationalError, OSError) as error:
        session.rollback()
        _try_again(resources, session, incoming, error, now)
        session.commit()
        return
    audit.object_id = study
    audit.detail |= {"created": created, "objects": incoming.objects}
    audit.write(session, now)
    Arrivals(session, incoming_id).note_accepted(study, now)
    incoming.state, incoming.study_id, incoming.next_try_at = IncomingState.ACCEPTED, study, None
    session.commit()
    shutil.rmtree(spool.folder(incoming_id), ignore_errors=True)


def _accepted(
    resources: Resources, session: Session, spool: Spool, incoming: IncomingStudy
) -> tuple[UUID, bool]:
    files = sorted(spool.folder(incoming.id).glob("*.dcm"))
    if not files:
        raise NoUsableSeriesError("The received files are not there any more.")
    arrivals = Arrivals(session, incoming.id)
    jobs = _jobs(resources, session)
    there = _holds_all(session, incoming, files)
    if there is not None:
        _answer_again(session, jobs, there, arrivals)
        return there.id, False
    jobs.refuse_when_full()
    order = arrivals.order
    with tempfile.TemporaryDirectory(prefix="ictus-receive-", dir=resources.settings.work_dir) as workdir:
        digest = content_digest({_digest(path) for path in files})
        form = UploadForm(priority=arrivals.priority)
        upload = ReceivedUpload(tuple(files), digest, form, Path(workdir))
        accepted = StudyAcceptance.of(resources, session, jobs).accept(
            upload, incoming.site_id, incoming.sender_id, job_id=order.id if order else None
        )
    if not accepted.created:
        _answer_again(session, jobs, accepted.study, Arrivals(session, incoming.id))
    return accepted.study.id, accepted.created


def _jobs(resources: Resources, session: Session) -> JobService:
    doorbell = Doorbell(resources.celery)

    def ring(job_id: UUID) -> None:
        after_commit(session, partial(doorbell.ring, job_id))

    return JobService(session, resources.clock(), JobPolicy.of(resources.settings), ring)


def _answer_again(session: Session, jobs: JobService, study: Study, arrivals: Arrivals) -> None:
    """What was fetched is here already: it is as urgent as was asked, and an order has it analysed once more.

    An analysis that has not ended answers the order too, and a held study is analysed when it is released.
    """
    if arrivals.priority is Priority.STAT:
        jobs.raise_priority(study)
    order = arrivals.order
    latest = JobRepository(session).latest_of(study.id)
    if order is not None and latest is not None and latest.state.is_final:
        jobs.enqueue(study, order.requested_by, job_id=order.id)


def _holds_all(session: Session, incoming: IncomingStudy, files: list[Path]) -> Study | None:
    """The site's latest study that holds every one of these instances: what was sent twice is not read twice."""
    sent = {path.stem for path in files}
    found = session.execute(
        select(Study.id, Instance.sop_instance_uid)
        .join(Instance, Instance.study_id == Study.id)
        .where(
            Study.site_id == incoming.site_id,
            Study.study_uid == incoming.study_uid,
            Instance.sop_instance_uid.in_(sent),
        )
        .order_by(Study.received_at.desc())
    ).all()
    held: dict[UUID, set[str]] = {}
    for study_id, uid in found:
        held.setdefault(study_id, set()).add(uid)
    there = next((study_id for study_id, uids in held.items() if uids == sent), None)
    return session.get_one(Study, there) if there is not None else None


def _try_again(
    resources: Resources, session: Session, incoming: IncomingStudy, error: Exception, now: datetime
) -> None:
    told = error if isinstance(error, IctusError) else IctusError()
    _log.warning("received_study_waits", incoming_id=str(incoming.id), code=told.code, exc_info=error)
    if incoming.tries >= _MOST_TRIES:
        _quarantine(resources, session, incoming, told, now)
        incoming.detail = "It could not be taken over after many tries."
    else:
        incoming.code, incoming.next_try_at = told.code, now + _TRY_AGAIN


def _quarantine(
    resources: Resources, session: Session, incoming: IncomingStudy, error: IctusError, now: datetime
) -> None:
    incoming.state, incoming.code, incoming.detail = IncomingState.QUARANTINED, error.code, error.detail
    incoming.next_try_at = now + timedelta(hours=resources.settings.dimse_quarantine_hours)
    Arrivals(session, incoming.id).note_refused(error, now)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
