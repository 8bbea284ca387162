"""How a pull ends, with its row in the audit trail; whoever finds out calls this within its own transaction."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.pulls.models import Pull, PullState
from ictus.domain.errors import IctusError

_LONGEST_REASON: Final = 500


def note_done(session: Session, pull: Pull, study_id: UUID, now: datetime) -> None:
    """The study is here."""
    pull.study_id = study_id
    pull.code = pull.reason = None
    _end(session, pull, PullState.DONE, now, None)


def note_failed(session: Session, pull: Pull, error: IctusError, now: datetime) -> None:
    """It is given up."""
    say_why(pull, error)
    _end(session, pull, PullState.FAILED, now, error)


def say_why(pull: Pull, error: IctusError) -> None:
    """Keep why the last attempt failed."""
    pull.code, pull.reason = error.code, error.detail[:_LONGEST_REASON]


def _end(session: Session, pull: Pull, state: PullState, now: datetime, error: IctusError | None) -> None:
    pull.state, pull.finished_at, pull.updated_at = state, now, now
    pull.lease_expires_at = None
    AuditEntry(
        action=f"pull.{state}",
        object_type="pull",
        object_id=pull.id,
        actor_kind=ActorKind.SYSTEM,
        site_id=pull.site_id,
        detail={
            "source_id": str(pull.source_id) if pull.source_id else None,
            "study_id": str(pull.study_id) if pull.study_id else None,
            "attempt": pull.attempts,
            "instances": pull.instances,
        },
    ).write(session, now, error)
