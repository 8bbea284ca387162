"""What the API of sources and pulls takes and gives."""

from datetime import datetime
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.auth.schemas import Name
from gateway.deliveries.schemas import AeTitle, Host, Secret, Url
from gateway.identity import IdentityCipher
from gateway.pulls.models import Pull, PullState, Retrieval, Source, SourceKind
from gateway.pulls.wanted import AccessionNumber, StudyUid, Wanted
from ictus.domain.enums import Priority


class SourceDraft(BaseModel):
    """A source to enter, or what it is changed to."""

    name: Name = Field(examples=["PACS, St. Mary's"])
    kind: SourceKind
    enabled: bool = True
    host: Host | None = Field(default=None, description="Of `dimse`.", examples=["10.0.0.7"])
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: bool = Field(default=False, description="Of `dimse`; the certificate is checked.")
    own_name: AeTitle = Field(default="ICTUS", description="Calling AE title.")
    remote_name: AeTitle = Field(default="ANY-SCP", description="Called AE title.")
    retrieval: Retrieval = Field(
        default=Retrieval.MOVE,
        description="Of `dimse`. `move`: the archive sends to our listener; it must know us there, and be a DICOM peer of this "
        "site here. `get`: over the same association, for archives that have no entry for us.",
    )
    move_destination: AeTitle = Field(
        default="ICTUS", description="Of `move`: our listener's AE title, as the archive knows it."
    )
    url: Url | None = Field(
        default=None,
        description="Of `dicomweb`; `/studies` is added.",
        examples=["https://pacs.example.org/dicom-web"],
    )
    username: str | None = Field(
        default=None,
        max_length=200,
        description="Of `dicomweb`: with it the secret is a password, else a bearer token.",
    )
    secret: Secret | None = Field(
        default=None, description="Password or bearer token. Left out in a change, the present one stays."
    )

    @property
    def computer(self) -> str | None:
        """Where it is, without what an address may hold besides."""
        return self.host if self.kind is SourceKind.DIMSE or self.url is None else urlsplit(self.url).hostname

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind is SourceKind.DIMSE and (self.host is None or self.port is None):
            raise ValueError("Name the host and the port.")
        if self.kind is SourceKind.DICOMWEB and self.url is None:
            raise ValueError("Name the address.")
        return self


class SourceOut(BaseModel):
    """A source, without its secret."""

    id: UUID
    name: str
    kind: SourceKind
    enabled: bool
    host: str | None
    port: int | None
    tls: bool
    own_name: str
    remote_name: str
    retrieval: Retrieval
    move_destination: str
    url: str | None
    username: str | None
    has_secret: bool
    created_at: datetime

    @classmethod
    def of(cls, source: Source) -> Self:
        """What administrators may see."""
        told = {name: getattr(source, name) for name in set(cls.model_fields) - {"has_secret"}}
        return cls(**told, has_secret=source.secret is not None)


class SourceTest(BaseModel):
    """Whether a source answered just now."""

    reached: bool
    detail: str = Field(description="What it answered, or why not.", examples=["C-ECHO 0000"])


class PullRequest(BaseModel):
    """A study to fetch, named by one of its two numbers."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"accession_number": "ACC-1234", "priority": "STAT"}]},
    )

    source_id: UUID | None = Field(default=None, description="Null asks every source of the site.")
    study_instance_uid: StudyUid | None = None
    accession_number: AccessionNumber | None = None
    priority: Priority = Priority.ROUTINE

    @property
    def wanted(self) -> Wanted:
        """Which study."""
        return Wanted(self.study_instance_uid, self.accession_number)

    @model_validator(mode="after")
    def _names_one_study(self) -> Self:
        if (self.study_instance_uid is None) == (self.accession_number is None):
            raise ValueError("Name the study by its StudyInstanceUID or by its accession number.")
        return self


class PullOut(BaseModel):
    """A study on its way from an archive."""

    id: UUID
    source_id: UUID | None = Field(description="Where it is fetched from; null until one of several has it.")
    study_instance_uid: str | None = Field(description="As it was asked for.")
    accession_number: str | None = Field(description="Likewise.")
    priority: Priority
    state: PullState
    attempts: int
    instances: int = Field(description="So many have come in the present or last attempt.")
    expected: int | None = Field(description="Of so many, where the archive counts them.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null while it is fetched, and when it has ended.")
    fetched_at: datetime | None = Field(description="When all of it was here; then it is read.")
    finished_at: datetime | None
    study_id: UUID | None = Field(description="The study that it is.")
    code: str | None = Field(description="Why it failed, or is tried again.")
    reason: str | None = Field(description="The same in words.")

    @classmethod
    def of(cls, pull: Pull, cipher: IdentityCipher) -> Self:
        """As callers of its site see it."""
        wanted = Wanted.open(cipher, pull.wanted)
        own = {"study_instance_uid", "accession_number", "next_attempt_at"}
        told = {name: getattr(pull, name) for name in set(cls.model_fields) - own}
        return cls(
            **told,
            study_instance_uid=wanted.study_instance_uid,
            accession_number=wanted.accession_number,
            next_attempt_at=pull.next_attempt_at if pull.state is PullState.QUEUED else None,
        )
