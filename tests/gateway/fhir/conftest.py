"""A study of a known patient at a known time, its answers, and what readers came to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.answers import decide
from tests.gateway.installation import Installation, MovingClock

from gateway.studies.models import Study
from gateway.studies.sealing import accession_reference, patient_reference, seal
from ictus.contracts.prediction import DecisionThresholds, ModelFact
from ictus.domain.enums import Disposition, Finding, HaemorrhageSubtype, Role
from ictus.imaging.intake import PatientIdentity
from ictus.imaging.uids import replacement_uid

FHIR = "/api/v1/fhir"
ORIGINAL_UID = "1.2.826.0.1.3680043.8.498.1"
NOBODY = PatientIdentity(
    patient_name="Canary^Identity^von=金絲雀^身份",
    patient_id="CANARY-4711",
    birth_date="19400229",
    sex="F",
    accession_number="ACC-CANARY",
    study_instance_uid=ORIGINAL_UID,
    study_date="20251231",
    study_description="CCT nativ",
)


@dataclass
class Site:
    """One site of the installation, with studies in it."""

    installation: Installation
    site_id: UUID

    def browser(self, role: Role = Role.CLINICIAN) -> TestClient:
        """A person of the site."""
        return self.installation.add_person(role, self.site_id).sign_in()

    def scan(self, identity: PatientIdentity | None = NOBODY) -> UUID:
        """A study that waits for its analysis."""
        study_id = add_study(self.installation, self.site_id, rung=False)
        resources = self.installation.resources
        key = resources.settings.uid_key.get_secret_value().encode()
        with resources.sessions.begin() as session:
            study = session.get_one(Study, study_id)
            if identity is not None:
                study.identity = seal(resources.cipher, study_id, identity)
                study.patient_ref = patient_reference(key, self.site_id, identity)
                if identity.accession_number:
                    number = identity.accession_number
                    study.accession_ref = accession_reference(key, self.site_id, number)
                if identity.study_instance_uid:
                    study.study_uid = replacement_uid(key, identity.study_instance_uid)
        return study_id

    def answer(
        self, disposition: Disposition = Disposition.CONFIDENT, finding: Finding | None = Finding.STROKE
    ) -> UUID:
        """Answer the study that waits; the job's id."""
        worker = Worker.of(self.installation)
        job = worker.must_claim()
        self.installation.clock.advance(seconds=4)
        answer = prediction(job, disposition, finding).model_copy(
            update={
                "looked_for": "intracranial haemorrhage",
                "thresholds": DecisionThresholds(normal_at_most=0.1, stroke_at_least=0.8)
                if disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
                else None,
                "model_facts": (ModelFact(name="Network", value="ResNet-50 and MobileNetV2"),),
            }
        )
        assert worker.complete(job, answer).status_code == 204
        return job.job_id

    def answered(
        self,
        disposition: Disposition = Disposition.CONFIDENT,
        finding: Finding | None = Finding.STROKE,
        identity: PatientIdentity | None = NOBODY,
    ) -> tuple[UUID, UUID]:
        """A study with its answer: the ids of the study and of the job."""
        study_id = self.scan(identity)
        return study_id, self.answer(disposition, finding)

    def decide(
        self, study_id: UUID, finding: Finding | None, subtype: HaemorrhageSubtype | None = None
    ) -> None:
        """Have a reader come to a finding, five minutes later."""
        self.installation.clock.advance(minutes=5)
        decide(self.installation, self.site_id, str(study_id), finding, subtype)


@pytest.fixture
def clock() -> MovingClock:
    """It stands at a known time, since resources say when they changed."""
    moving = MovingClock()
    moving.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return moving


@pytest.fixture
def new_site(installation: Installation) -> Callable[[], Site]:
    return lambda: Site(installation, installation.add_site())


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()
