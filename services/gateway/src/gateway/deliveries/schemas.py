"""What the API of destinations and deliveries takes and gives."""

from datetime import datetime
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from gateway.auth.schemas import Name
from gateway.deliveries.models import (
    RESULTS,
    Delivery,
    DeliveryState,
    Destination,
    DestinationKind,
    Occasion,
)
from gateway.deliveries.webhook import is_webhook_secret
from gateway.dicom_objects.instances import ObjectKind

AeTitle = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[ -\[\]-~]{1,16}$")]
"""PS3.5 6.2, AE: 1 to 16 characters of the default repertoire, no backslash."""
Host = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9._:\-]{1,253}$")]
Url = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s@]+$", max_length=2000)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=500)]

_BY_SOCKET = frozenset({DestinationKind.DICOM_STORE, DestinationKind.HL7_MLLP})
_OBJECTS = frozenset({DestinationKind.DICOM_STORE, DestinationKind.STOW})


class DestinationDraft(BaseModel):
    """A destination to enter, or what it is changed to."""

    name: Name = Field(examples=["PACS, St. Mary's"])
    kind: DestinationKind
    enabled: bool = Field(
        default=True, description="Results wait for a disabled one that they were queued for."
    )
    host: Host | None = Field(
        default=None, description="Of `dicom_store` and `hl7_mllp`.", examples=["10.0.0.7"]
    )
    port: int | None = Field(default=None, ge=1, le=65535)
    url: Url | None = Field(
        default=None,
        description="Of `stow` (the DICOMweb address, `/studies` is added) and `webhook`.",
        examples=["https://pacs.example.org/dicom-web"],
    )
    tls: bool = Field(
        default=False, description="Of `dicom_store` and `hl7_mllp`; the certificate is checked."
    )
    own_name: AeTitle = Field(default="ICTUS", description="Calling AE title, or HL7's sending application.")
    remote_name: AeTitle = Field(
        default="ANY-SCP", description="Called AE title, or HL7's receiving application."
    )
    username: str | None = Field(
        default=None,
        max_length=200,
        description="Of `stow`: with it the secret is a password, else a bearer token.",
    )
    secret: Secret | None = Field(
        default=None,
        description="Password, bearer token, or a webhook's signing secret (`whsec_…`; made here when left out). Left out "
        "in a change, the present one stays.",
    )
    content: set[ObjectKind] = Field(
        default={ObjectKind.STRUCTURED_REPORT, ObjectKind.SECONDARY_CAPTURE},
        description="Objects that a DICOM destination gets; of `hl7_mllp`, `pdf` sends the report along.",
    )
    statuses: set[Occasion] = Field(
        default=set(RESULTS),
        min_length=1,
        description="`escalated`, of `webhook` alone, tells of a likely stroke that nobody has taken on in time.",
    )

    @property
    def computer(self) -> str | None:
        """Where it is, without what an address may hold besides: some carry a secret in their path."""
        return self.host if self.kind in _BY_SOCKET or self.url is None else urlsplit(self.url).hostname

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind in _BY_SOCKET and (self.host is None or self.port is None):
            raise ValueError("Name the host and the port.")
        if self.kind not in _BY_SOCKET and self.url is None:
            raise ValueError("Name the address.")
        if self.kind in _OBJECTS and not self.content:
            raise ValueError("Choose at least one kind of object.")
        if self.kind is not DestinationKind.WEBHOOK and not self.statuses <= RESULTS:
            raise ValueError("Only a webhook tells of alerts.")
        signs = self.kind is DestinationKind.WEBHOOK and self.secret is not None
        if signs and not is_webhook_secret(self.secret or ""):
            raise ValueError("A webhook's secret is 'whsec_' and 24 to 64 bytes in base64.")
        return self


class DestinationOut(BaseModel):
    """A destination with how it does, without its secret."""

    id: UUID
    name: str
    kind: DestinationKind
    enabled: bool
    host: str | None
    port: int | None
    url: str | None
    tls: bool
    own_name: str
    remote_name: str
    username: str | None
    has_secret: bool
    content: list[ObjectKind]
    statuses: list[Occasion]
    created_at: datetime
    failures: int = Field(description="Connections that failed in a row; 0 when it answered last.")
    retry_at: datetime | None = Field(description="Nothing is tried before.")
    last_error: str | None
    last_delivered_at: datetime | None
    waiting: int = Field(description="Deliveries still to come.")
    dead: int = Field(description="Deliveries that were given up.")

    @classmethod
    def of(cls, destination: Destination, waiting: int, dead: int) -> Self:
        """What administrators may see."""
        own = {
            name: getattr(destination, name)
            for name in set(cls.model_fields) & set(Destination.__table__.c.keys())
        }
        return cls(
            **{
                **own,
                "content": [ObjectKind(kind) for kind in ObjectKind if kind in destination.content],
                "statuses": [status for status in Occasion if status in destination.statuses],
            },
            has_secret=destination.secret is not None,
            waiting=waiting,
            dead=dead,
        )


class EnteredDestination(BaseModel):
    """A destination that was entered, and the signing secret that was made for it, shown this once."""

    destination: DestinationOut
    webhook_secret: str | None


class DestinationTest(BaseModel):
    """Whether a destination answered just now."""

    reached: bool
    detail: str = Field(description="What it answered, or why not.", examples=["C-ECHO 0000"])


class DeliveryOut(BaseModel):
    """One result on its way to one destination."""

    id: UUID
    destination_id: UUID
    destination_name: str
    study_id: UUID
    job_id: UUID
    status: Occasion
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null when it has ended.")
    delivered_at: datetime | None
    proof: str | None = Field(description="What the receiver answered.", examples=["MSA-1 AA"])
    last_error: str | None

    @classmethod
    def of(cls, delivery: Delivery, destination: Destination) -> Self:
        """As administrators see it."""
        waits = delivery.state in {DeliveryState.QUEUED, DeliveryState.RETRYING}
        later = max(filter(None, (delivery.next_attempt_at, destination.retry_at)))
        return cls(
            id=delivery.id,
            destination_id=destination.id,
            destination_name=destination.name,
            study_id=delivery.study_id,
            job_id=delivery.job_id,
            status=delivery.status,
            state=delivery.state,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            next_attempt_at=later if waits else None,
            delivered_at=delivery.delivered_at,
            proof=delivery.proof,
            last_error=delivery.last_error,
        )
