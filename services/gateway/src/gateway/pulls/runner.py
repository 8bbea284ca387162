"""Fetching: a pull is claimed, its study found, its series fetched into the spool, and the received study closed.

    queued --claim--> running --all is here--> running, fetched --accepted--> done
      ^                  |                          '--refused by intake--> failed
      |                  |--"not now", no answer--> queued (back-off), or failed after a settable time
      |                  '--"no", not there, several--> failed
      '---- the lease ran out

No transaction is open while an archive is spoken to. A lease, renewed by what comes, says that somebody fetches; a fence
refuses the word of whoever came too late. What has come meanwhile lies in the spool as if it had been sent to us.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Final, Self
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from gateway.deliveries.errors import RefusedError
from gateway.dimse.spool import Sender, Spool
from gateway.identity import IdentityUnreadableError
from gateway.outgoing import Backoff
from gateway.pulls.archive import FETCHED_MODALITIES, Archive, ArchivedSeries, ArchivedStudy, Patience
from gateway.pulls.errors import (
    NotArrivedError,
    NothingToAnalyseError,
    NotInArchiveError,
    OtherPatientError,
    PullFailedError,
    SeveralStudiesError,
    SourceRemovedError,
)
from gateway.pulls.models import OPEN, Pull, PullState, Source
from gateway.pulls.outcome import note_failed, say_why
from gateway.pulls.receiver import Receiver, private_folder
from gateway.pulls.sources import archive_of
from gateway.pulls.wanted import Wanted, is_uid
from gateway.resources import Resources
from gateway.settings import GatewaySettings
from gateway.studies.sealing import patient_number_reference
from ictus.domain.enums import Priority
from ictus.domain.errors import IctusError
from ictus.imaging.uids import replacement_uid

_TOLD_EVERY: Final = timedelta(seconds=2)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PullPolicy:
    """The numbers of pulling.

    Attributes:
        patience: how long an archive may be silent.
        lease: how long a runner may be silent before another one takes over.
        backoff: waits after failures.
        give_up: a pull that failed so long after it was asked for has failed for good.
        at_once: pulls that run at the same time, in all processes together.
    """

    patience: Patience
    lease: timedelta
    backoff: Backoff
    give_up: timedelta
    at_once: int

    @classmethod
    def of(cls, settings: GatewaySettings) -> Self:
        """The installation's numbers."""
        silence = settings.pull_silence_seconds
        return cls(
            patience=Patience(settings.delivery_timeout_seconds, silence),
            lease=timedelta(seconds=2 * silence + settings.delivery_timeout_seconds),
            backoff=Backoff(
                first=timedelta(seconds=settings.pull_first_wait_seconds),
                longest=timedelta(seconds=settings.pull_longest_wait_seconds),
                jitter=0.2,
            ),
            give_up=timedelta(minutes=settings.pull_give_up_minutes),
            at_once=settings.pulls_at_once,
        )


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a runner needs to know of its pull."""

    pull_id: UUID
    fence: int
    wanted: Wanted
    patient_ref: UUID | None
    sender: Sender
    archives: Sequence[tuple[UUID, Archive]]


@dataclass(frozen=True, slots=True)
class _Located:
    """A study, and the archive that has it."""

    source_id: UUID
    archive: Archive
    study: ArchivedStudy


class PullRunner:
    """Runs pulls, one after the other.

    Args:
        resources: of the process.
        policy: the numbers.
        chance: gives 0..1, for the jitter.
    """

    def __init__(
        self,
        resources: Resources,
        policy: PullPolicy | None = None,
        chance: Callable[[], float] = random,
    ) -> None:
        self._resources = resources
        self._policy = policy or PullPolicy.of(resources.settings)
        self._chance = chance
        self._uid_key = resources.settings.uid_key.get_secret_value().encode()

    def run_one(self) -> bool:
        """Claim the most urgent pull that is due and run it to its end or its next failure; False when none is."""
        with self._resources.sessions.begin() as session:
            claim = self._claim(session)
        if claim is None:
            return False
        try:
            self._run(claim)
        except Exception as error:
            if not isinstance(error, IctusError):
                _log.error("pull_failed", pull_id=str(claim.pull_id), exc_info=error)
            self._settle_failure(claim, error)
        return True

    def _claim(self, session: Session) -> _Claim | None:
        now = self._resources.clock()
        running = select(func.count()).where(
            Pull.state == PullState.RUNNING, Pull.fetched_at.is_(None), Pull.lease_expires_at > now
        )
        if (session.scalar(running) or 0) >= self._policy.at_once:
            return None
        pull = session.scalar(
            select(Pull)
            .where(is_due(now))
            .order_by((Pull.priority == Priority.STAT).desc(), Pull.next_attempt_at, Pull.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if pull is None:
            return None
        pull.state, pull.fence = PullState.RUNNING, pull.fence + 1
        pull.attempts += 1
        pull.instances, pull.expected = 0, None
        pull.lease_expires_at = now + self._policy.lease
        pull.updated_at = now
        asked = select(Source).where(Source.site_id == pull.site_id, Source.enabled)
        if pull.source_id is not None:
            asked = asked.where(Source.id == pull.source_id)
        sources = session.scalars(asked.order_by(Source.name, Source.id)).all()
        cipher, patience = self._resources.cipher, self._policy.patience
        try:
            return _Claim(
                pull_id=pull.id,
                fence=pull.fence,
                wanted=Wanted.open(cipher, pull.wanted),
                patient_ref=pull.patient_ref,
                sender=Sender(pull.requested_kind, pull.requested_by, pull.site_id),
                archives=[(source.id, archive_of(source, cipher, patience)) for source in sources],
            )
        except (
            IdentityUnreadableError
        ) as error:  # sealed with a key that is not here; others must not wait for it
            note_failed(session, pull, error, now)
            return None

    def _run(self, claim: _Claim) -> None:
        located = self._find(claim)
        if claim.patient_ref is not None and claim.patient_ref != self._patient_of(claim, located.study):
            raise OtherPatientError
        uid = located.study.study_instance_uid
        series = [
            one
            for one in located.archive.series(uid)
            if one.modality in FETCHED_MODALITIES and is_uid(one.series_instance_uid)
        ]
        if not series:
            raise NothingToAnalyseError
        if not self._note_found(claim, located, series):
            return
        sent, received = self._fetch(claim, located, series)
        self._close(claim, uid, sent if sent is not None else received)

    def _find(self, claim: _Claim) -> _Located:
        """The one study of this number in the first archive that has it.

        An archive that does not answer keeps no other one from being asked, but without its answer nobody can say that the
        study is nowhere.
        """
        if not claim.archives:
            raise SourceRemovedError
        silent: IctusError | None = None
        for source_id, archive in claim.archives:
            try:
                found = {
                    one.study_instance_uid: one
                    for one in archive.find(claim.wanted)
                    if is_uid(one.study_instance_uid) and _fits(one, claim.wanted)
                }
            except IctusError as error:
                silent = silent if isinstance(error, RefusedError) and silent else error
                continue
            if len(found) > 1:
                raise SeveralStudiesError
            for study in found.values():
                return _Located(source_id, archive, study)
        raise silent or NotInArchiveError()

    def _patient_of(self, claim: _Claim, study: ArchivedStudy) -> UUID | None:
        if not study.patient_id:
            return None
        return patient_number_reference(self._uid_key, claim.sender.site_id, study.patient_id)

    def _fetch(
        self, claim: _Claim, located: _Located, series: Sequence[ArchivedSeries]
    ) -> tuple[int | None, int]:
        """What the archive says it has sent, where it says so, and what was received here."""
        settings = self._resources.settings
        with private_folder(settings.work_dir) as folder:
            receiver = Receiver(
                spool=Spool(self._resources),
                sender=claim.sender,
                study_instance_uid=located.study.study_instance_uid,
                folder=folder,
                max_bytes=settings.max_upload_mb * 2**20,
                max_files=settings.max_upload_files,
                progress=_Progress(self, claim).tell,
            )
            return located.archive.fetch(receiver.study_instance_uid, series, receiver), receiver.received

    def _note_found(self, claim: _Claim, located: _Located, series: Sequence[ArchivedSeries]) -> bool:
        """Write down what will come, so that the study is kept open meanwhile; False when the pull is another one's."""
        with self._resources.sessions.begin() as session:
            pull = self._owned(session, claim)
            if pull is None:
                return False
            pull.source_id = located.source_id
            pull.study_uid = replacement_uid(self._uid_key, located.study.study_instance_uid)
            counts = [one.instances for one in series]
            pull.expected = None if None in counts else sum(one or 0 for one in counts)
            pull.updated_at = self._resources.clock()
        return True

    def note_progress(self, claim: _Claim, instances: int) -> None:
        """Say how many have come, and that somebody still fetches."""
        now = self._resources.clock()
        with self._resources.sessions.begin() as session:
            pull = self._owned(session, claim)
            if pull is not None:
                pull.instances, pull.updated_at = instances, now
                pull.lease_expires_at = now + self._policy.lease

    def _close(self, claim: _Claim, study_instance_uid: str, instances: int) -> None:
        """Have what has come read now: it is all there is. Raises ``NotArrivedError`` when it is not here."""
        spool, now = Spool(self._resources), self._resources.clock()
        with self._resources.sessions.begin() as session:
            pull = self._owned(session, claim)
            if pull is None:
                return
            closed = spool.close(session, claim.sender.site_id, study_instance_uid)
            if instances == 0 or closed is None or closed.instances < instances:
                raise NotArrivedError(
                    f"The archive says that it has sent {instances} images, and {closed.instances if closed else 0} are "
                    "here. Is it a DICOM peer of this site, and does it send to our listener's address?"
                )
            pull.incoming_id = closed.incoming_id
            pull.instances, pull.lease_expires_at = instances, None
            pull.fetched_at = pull.updated_at = now

    def _settle_failure(self, claim: _Claim, error: Exception) -> None:
        told = error if isinstance(error, IctusError) else IctusError()
        now = self._resources.clock()
        with self._resources.sessions.begin() as session:
            pull = self._owned(session, claim)
            if pull is None:
                return
            is_final = isinstance(error, PullFailedError | RefusedError)
            if is_final or now - pull.created_at >= self._policy.give_up:
                note_failed(session, pull, told, now)
                return
            say_why(pull, told)
            pull.state, pull.lease_expires_at, pull.updated_at = PullState.QUEUED, None, now
            pull.next_attempt_at = now + self._policy.backoff.after(pull.attempts, self._chance)

    @staticmethod
    def _owned(session: Session, claim: _Claim) -> Pull | None:
        pull = session.get(Pull, claim.pull_id, with_for_update=True, populate_existing=True)
        return pull if pull is not None and pull.state in OPEN and pull.fence == claim.fence else None

    @property
    def clock(self) -> Callable[[], datetime]:
        """The process's."""
        return self._resources.clock


class _Progress:
    """Writes down how many instances have come, now and then."""

    def __init__(self, runner: PullRunner, claim: _Claim) -> None:
        self._runner = runner
        self._claim = claim
        self._told_at = runner.clock()

    def tell(self, instances: int) -> None:
        """So many have come by now."""
        now = self._runner.clock()
        if now - self._told_at >= _TOLD_EVERY:
            self._told_at = now
            self._runner.note_progress(self._claim, instances)


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition that a pull can be claimed: its time has come, or its runner has fallen silent."""
    waits = and_(Pull.state == PullState.QUEUED, Pull.next_attempt_at <= now)
    abandoned = and_(Pull.state == PullState.RUNNING, Pull.fetched_at.is_(None), Pull.lease_expires_at <= now)
    return or_(waits, abandoned)


def _fits(study: ArchivedStudy, wanted: Wanted) -> bool:
    """Whether this is what was asked for: some archives take a key that they do not know for one that fits all."""
    if wanted.study_instance_uid is not None:
        return study.study_instance_uid == wanted.study_instance_uid
    return study.accession_number == wanted.accession_number
