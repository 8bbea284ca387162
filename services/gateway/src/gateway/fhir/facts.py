"""What a page of resources is written from: rows, what readers came to, and what the caller may see of the patient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.identity import IdentityCipher
from gateway.jobs.models import Job
from gateway.results.models import Result
from gateway.reviews.models import StudyReview
from gateway.studies.models import Study
from gateway.studies.sealing import open_header
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition
from ictus.imaging.intake import PatientIdentity


class Versioned(Protocol):
    """What is behind a resource, as far as its headers need it."""

    @property
    def updated(self) -> datetime:
        """When anything that it says changed last."""

    @property
    def version(self) -> str:
        """FHIR's versionId."""


@dataclass(frozen=True)
class Facts:
    """The rows behind one resource.

    Attributes:
        study: the study that it is of.
        row_id: the id of its own row: the study's, the job's.
        updated: when anything that it says changed last.
        job: for a ServiceRequest.
        result: for what says something of an answer.
    """

    study: Study
    row_id: UUID
    updated: datetime
    job: Job | None = None
    result: Result | None = None

    @property
    def prediction(self) -> PredictionResult:
        """The answer, where the rows have one."""
        assert self.result is not None  # noqa: S101  the queries of these resources join it
        return PredictionResult.model_validate(self.result.prediction)

    @property
    def version(self) -> str:
        """FHIR's versionId: another one whenever something has changed."""
        return f"{self.updated:%Y%m%d%H%M%S%f}"


@dataclass(frozen=True, slots=True)
class Document:
    """A report as a file: its size, and its SHA-1, which is what FHIR's Attachment.hash is."""

    size: int
    sha1: bytes


@dataclass(frozen=True)
class View:
    """How one caller sees the facts of one site.

    Attributes:
        base: the FHIR base's address.
        site_id: the caller's site.
        site_name: how people call it.
        sees_identity: whether the caller may know who the patient is.
        cipher: opens identities; not used unless the caller may.
        readings: the latest final review, by study.
        reader_names: of those who gave them.
        documents: reports as files, where they were asked for, by study.
    """

    base: str
    site_id: UUID
    site_name: str
    sees_identity: bool
    cipher: IdentityCipher
    readings: Mapping[UUID, StudyReview] = field(default_factory=dict)
    reader_names: Mapping[UUID, str] = field(default_factory=dict)
    documents: Mapping[UUID, Document] = field(default_factory=dict)

    def identity(self, study: Study) -> PatientIdentity | None:
        """Who the scan is of; None when the caller may not know it, or the sender did not say."""
        if not self.sees_identity or study.identity is None:
            return None
        return open_header(self.cipher, study.identity)

    def reading(self, study: Study) -> StudyReview | None:
        """What readers came to last. It holds when the model has answered again since: they read the scan."""
        return self.readings.get(study.id)

    def identifier_system(self, kind: str) -> str:
        """The namespace of what this site numbers itself."""
        return f"urn:ictus:site:{self.site_id}:{kind}"


def patient_id(study: Study) -> UUID:
    """The id of the study's Patient: one for all scans of a patient at a site, where the sender gave a PatientID."""
    return study.patient_ref or study.id


def is_corrected(prediction: PredictionResult, reading: StudyReview) -> bool:
    """Whether readers took back what the model said. Where it said nothing there is nothing to take back."""
    return prediction.disposition is Disposition.CONFIDENT and prediction.finding is not reading.finding


def status_of(facts: Facts, view: View) -> str:
    """``preliminary`` until readers have decided, then ``final``, or ``corrected`` where they contradict the model."""
    reading = view.reading(facts.study)
    if reading is None:
        return "preliminary"
    return "corrected" if is_corrected(facts.prediction, reading) else "final"
