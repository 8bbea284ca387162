"""Raising, seeing, acknowledging and escalating alerts, and the clock of a study."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from gateway.deliveries.queueing import queue_escalation
from gateway.events.journal import announce
from gateway.events.schemas import EventKind, StudyEvent
from gateway.identity import IdentityCipher
from gateway.results.service import latest_result
from gateway.studies.models import Study
from gateway.studies.sealing import open_person
from gateway.triage.errors import NoAlertError
from gateway.triage.models import Alert
from gateway.triage.schemas import OpenAlert, StudyClock
from ictus.domain.enums import Disposition, Finding
from ictus.domain.errors import NotFoundError


def raise_alert(session: Session, study: Study, now: datetime) -> None:
    """Have a person called when a study's new answer says stroke with confidence; once for a study."""
    if study.disposition is not Disposition.CONFIDENT or study.finding is not Finding.STROKE:
        return
    raised = (
        insert(Alert)
        .values(study_id=study.id, site_id=study.site_id, raised_at=now)
        .on_conflict_do_nothing()
        .returning(Alert.study_id)
    )
    if session.scalar(raised) is not None:
        _tell(session, study.site_id, study.id, EventKind.ALERT_RAISED, now)


def escalate_due(session: Session, raised_before: datetime, now: datetime, most: int) -> int:
    """Mark alerts that nobody has taken on since ``raised_before``, unless readers have decided; how many."""
    due = (
        select(Alert)
        .join(Study, Study.id == Alert.study_id)
        .where(
            Alert.acknowledged_at.is_(None),
            Alert.escalated_at.is_(None),
            Alert.raised_at <= raised_before,
            Study.reviewed_at.is_(None),
        )
        .order_by(Alert.raised_at)
        .limit(most)
        .with_for_update(of=Alert, skip_locked=True)
    )
    alerts = session.scalars(due).all()
    for alert in alerts:
        alert.escalated_at = now
        result = latest_result(session, alert.study_id)
        if result is not None:
            queue_escalation(session, alert.site_id, result, now)
        _tell(session, alert.site_id, alert.study_id, EventKind.ALERT_ESCALATED, now)
    return len(alerts)


class Triage:
    """Alerts and clocks of one site within ``session``'s transaction. Another site's id raises ``NotFoundError``."""

    def __init__(self, session: Session, site_id: UUID, now: datetime) -> None:
        self._session = session
        self._site_id = site_id
        self._now = now

    def note_seen(self, study_id: UUID, by: UUID) -> None:
        """A person has opened the study."""
        seen = update(Alert).where(
            Alert.study_id == study_id, Alert.site_id == self._site_id, Alert.seen_at.is_(None)
        )
        self._session.execute(seen.values(seen_at=self._now, seen_by=by))

    def acknowledge(self, study_id: UUID, by: UUID) -> StudyClock:
        """A person takes the study on; the first one counts. Raises ``NoAlertError``."""
        study, alert = self._require(study_id, lock=True)
        if alert is None:
            raise NoAlertError
        if alert.acknowledged_at is None:
            alert.acknowledged_at, alert.acknowledged_by = self._now, by
            if alert.seen_at is None:
                alert.seen_at, alert.seen_by = self._now, by
            _tell(self._session, self._site_id, study_id, EventKind.ALERT_ACKNOWLEDGED, self._now)
        return _clock(study, alert)

    def clock(self, study_id: UUID) -> StudyClock:
        """The clock of a study."""
        return _clock(*self._require(study_id))

    def open_alerts(self, cipher: IdentityCipher, limit: int) -> list[OpenAlert]:
        """Alerts that nobody has taken on and no reader has decided, the longest waiting first."""
        waiting = self._rows().where(
            Alert.study_id.is_not(None), Alert.acknowledged_at.is_(None), Study.reviewed_at.is_(None)
        )
        longest = waiting.order_by(Alert.raised_at, Study.id).limit(limit)
        rows = self._session.execute(longest.options(joinedload(Study.identity)))
        return [
            OpenAlert(**_clock(study, alert).model_dump(), patient=open_person(cipher, study.identity))
            for study, alert in rows
        ]

    def clocks(self, since: datetime, until: datetime, limit: int) -> list[StudyClock]:
        """The clocks of the studies that were received in a time, the first received first."""
        received = self._rows().where(Study.received_at >= since, Study.received_at < until)
        return self._clocks(received.order_by(Study.received_at, Study.id).limit(limit))

    def _rows(self) -> Select[Study, Alert]:
        joined = select(Study, Alert).outerjoin(Alert, Alert.study_id == Study.id)
        return joined.where(Study.site_id == self._site_id)

    def _clocks(self, rows: Select[Study, Alert]) -> list[StudyClock]:
        return [_clock(study, alert) for study, alert in self._session.execute(rows)]

    def _require(self, study_id: UUID, *, lock: bool = False) -> tuple[Study, Alert | None]:
        study = self._session.scalar(
            select(Study).where(Study.id == study_id, Study.site_id == self._site_id)
        )
        if study is None:
            raise NotFoundError("There is no such study.")
        return study, self._session.get(Alert, study_id, with_for_update=True if lock else None)


def csv_lines(clocks: Sequence[StudyClock]) -> str:
    """Clocks as a table for a spreadsheet, one line for each study."""
    names = list(StudyClock.model_fields)
    lines = [",".join(names)]
    for clock in clocks:
        told = clock.model_dump(mode="json")
        lines.append(",".join("" if told[name] is None else str(told[name]) for name in names))
    return "\r\n".join(lines) + "\r\n"


def _clock(study: Study, alert: Alert | None) -> StudyClock:
    return StudyClock(
        study_id=study.id,
        received_at=study.received_at,
        analysed_at=study.completed_at,
        raised_at=alert.raised_at if alert else None,
        seen_at=alert.seen_at if alert else None,
        acknowledged_at=alert.acknowledged_at if alert else None,
        acknowledged_by=alert.acknowledged_by if alert else None,
        escalated_at=alert.escalated_at if alert else None,
        reported_at=study.reviewed_at,
    )


def _tell(session: Session, site_id: UUID, study_id: UUID, kind: EventKind, now: datetime) -> None:
    announce(session, site_id, StudyEvent(kind=kind, study_id=study_id, at=now))
