"""Every request of another service leaves a row, whatever became of it.

The action is the name of the handler (``give_verdict``); the object is what the address names (``job_id``,
``study_id``, ``dataset_id``). What the gateway does for a person is on record there under the same request id.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import Request
from sqlalchemy.orm import Session

from feedback.audit.models import AuditEvent, Outcome
from ictus.domain.errors import IctusError
from ictus.http import current_request_id

_OBJECTS: Final = ("job", "study", "dataset")


def write_audit_row(
    session: Session, request: Request, at: datetime, error: IctusError | None = None
) -> None:
    """Add the request's row to a transaction.

    Args:
        session: the transaction.
        request: which service asked is in its state, where its token said so.
        at: when it happened.
        error: what ended the request, None when it succeeded.
    """
    outcome = Outcome.DONE
    if error is not None:
        outcome = Outcome.REFUSED if error.status < 500 else Outcome.FAILED
    object_type, object_id = _object(request)
    session.add(
        AuditEvent(
            at=at,
            service=getattr(request.state, "service", None),
            action=request.scope["route"].name,
            object_type=object_type,
            object_id=object_id,
            outcome=outcome,
            code=None if error is None else error.code,
            request_id=current_request_id(),
        )
    )


def _object(request: Request) -> tuple[str | None, str | None]:
    """What the address names; only an id is taken from it."""
    for kind in _OBJECTS:
        if named := request.path_params.get(f"{kind}_id"):
            try:
                return kind, str(UUID(str(named)))
            except ValueError:
                return kind, None
    return None, None
