"""Signed webhooks, as standardwebhooks.com specifies them: ids and links, and nothing of what was found or of whom."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from gateway.deliveries.http import call, require_success
from gateway.deliveries.models import Destination, Occasion
from gateway.deliveries.parcel import Parcel
from ictus.domain.errors import Json

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32


def new_webhook_secret() -> str:
    """A signing secret as the receiver enters it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_webhook_secret(secret: str) -> bool:
    """Whether a text is a signing secret: ``whsec_`` and 24 to 64 bytes in base64."""
    try:
        return secret.startswith(_PREFIX) and 24 <= len(_key(secret)) <= 64
    except ValueError:
        return False


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256 of id, time and body in base64."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


class Webhook:
    """Posts to one address. ``clock`` gives the time of an attempt, which the receiver holds against its own."""

    def __init__(
        self,
        destination: Destination,
        secret: str | None,
        seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = destination.url or ""
        self._secret = secret or ""
        self._seconds = seconds
        self._clock = clock

    def send(self, parcel: Parcel) -> str:
        """Tell of a result, or that nobody has taken it on. Raises as ``Sender.send`` does."""
        study = f"/api/v1/studies/{parcel.study_id}"
        data: Mapping[str, Json] = {
            "study_id": str(parcel.study_id),
            "job_id": str(parcel.job_id),
            "status": parcel.status.value,
            "links": {"study": study, "report": f"{study}/report", "report_pdf": f"{study}/report.pdf"},
        }
        about = "alert" if parcel.status is Occasion.ESCALATED else "result"
        return self._post(parcel.message_id, f"{about}.{parcel.status}", parcel.queued_at, data)

    def test(self) -> str:
        """Post a message of the type ``test``."""
        return self._post(uuid4(), "test", self._clock(), {})

    def _post(self, message_id: UUID, kind: str, happened: datetime, data: Mapping[str, Json]) -> str:
        body = json.dumps(
            {"type": kind, "timestamp": happened.isoformat(), "data": data}, separators=(",", ":")
        ).encode()
        name, timestamp = f"msg_{message_id}", int(self._clock().timestamp())
        answer = call(
            "POST",
            self._url,
            self._seconds,
            content=body,
            headers={
                "Content-Type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(self._secret, name, timestamp, body),
                "Idempotency-Key": name,
            },
        )
        return require_success(answer)


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
