"""Whether an alert still calls for somebody; for what tells other systems of alerts."""

from sqlalchemy.orm import Session

from gateway.studies.models import Study
from gateway.triage.models import Alert


def is_open(session: Session, study: Study) -> bool:
    """Whether nobody has acknowledged the study's alert and no reader has decided."""
    alert = session.get(Alert, study.id)
    return alert is not None and alert.acknowledged_at is None and study.reviewed_at is None
