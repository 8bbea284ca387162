"""Studies that wait for analysis, and inference workers that speak the job protocol, for the gateway's tests."""

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from httpx import Response
from tests.gateway.installation import Installation

from gateway.jobs.doorbell import Doorbell
from gateway.jobs.policy import JobPolicy
from gateway.jobs.service import JobService
from gateway.resources import Resources
from gateway.studies.models import Series, Study, StudyState, Urgency
from ictus.contracts.base import Contract
from ictus.contracts.jobs import (
    AnalyzeStudy,
    ClaimRequest,
    CompleteJob,
    FailJob,
    Heartbeat,
    LeaseState,
)
from ictus.contracts.prediction import HeadIntensity, PredictionResult, SeriesPrediction, SlicePrediction
from ictus.domain.enums import Disposition, Finding, Modality, Priority, SourceFormat, Stage
from ictus.imaging.volume import VoxelUnits
from ictus.storage.keys import embedding_key, overlay_key, volume_key

SLICES = 3


def add_study(
    installation: Installation, site_id: UUID, priority: Priority = Priority.ROUTINE, *, rung: bool = True
) -> UUID:
    """A study with one series and a queued job, as an upload leaves it; its objects are not there."""
    resources = installation.resources
    study_id, series_id, uploader = uuid4(), uuid4(), uuid4()
    study = Study(
        id=study_id,
        site_id=site_id,
        content_sha256=hashlib.sha256(study_id.bytes).digest(),
        study_uid=f"2.25.{study_id.int}",
        modality=Modality.CT,
        priority=priority,
        hold_reasons=[],
        left_out=[],
        uploaded_by=uploader,
        received_at=installation.clock(),
        state=StudyState.QUEUED,
        urgency=Urgency.WAITING,
        series=[
            Series(
                id=series_id,
                study_id=study_id,
                position=0,
                modality=Modality.CT,
                modality_stated=True,
                source_format=SourceFormat.DICOM,
                series_uid=f"2.25.{series_id.int}",
                description="axial",
                body_part="HEAD",
                volume_key=volume_key(study_id, series_id),
                volume_sha256="0" * 64,
                voxels_offset=400,
                dtype="int16",
                units=VoxelUnits.HOUNSFIELD,
                slices=SLICES,
                rows=4,
                columns=4,
                spacing_mm=[5.0, 1.0, 1.0],
                source_files=SLICES,
                warnings=[],
            )
        ],
    )
    doorbell = Doorbell(resources.celery)
    with resources.sessions.begin() as session:
        session.add(study)
        session.flush()
        policy = JobPolicy.of(resources.settings)
        jobs = JobService(session, installation.clock(), policy, doorbell.ring if rung else lambda _job: None)
        jobs.enqueue(study, uploader)
    return study_id


def prediction(
    job: AnalyzeStudy,
    disposition: Disposition = Disposition.CONFIDENT,
    finding: Finding | None = Finding.STROKE,
    novelty: float | None = None,
    intensity: HeadIntensity | None = None,
) -> PredictionResult:
    """An answer that fits the job."""
    probability = None if disposition is Disposition.UNSUITABLE else 0.9
    return PredictionResult(
        finding=finding,
        finding_text="Signs of intracranial haemorrhage.",
        stroke_probability=probability,
        confidence=probability,
        disposition=disposition,
        reason_code="above_threshold",
        reason="The probability is above the threshold.",
        series=tuple(
            SeriesPrediction(
                series_id=series.series_id,
                modality=series.modality,
                disposition=disposition,
                reason="The probability is above the threshold.",
                finding=finding,
                stroke_probability=probability,
                slices=tuple(
                    SlicePrediction(
                        index=index,
                        stroke_probability=probability,
                        overlay_key=overlay_key(job.result_prefix, series.series_id, index),
                    )
                    for index in range(series.slices)
                ),
                key_slices=(0,),
                embedding_key=embedding_key(job.result_prefix, series.series_id),
            )
            for series in job.series
        ),
        driving_series_id=job.series[0].series_id,
        novelty=novelty,
        intensity=intensity,
        embedding_space="5" * 64,
        model_version="7",
        model_sha256="0" * 64,
        validated_for="intracranial haemorrhage on non-contrast head CT",
    )


@dataclass(frozen=True)
class Worker:
    """An inference worker, as far as the gateway sees it."""

    client: TestClient
    name: str

    @classmethod
    def of(cls, installation: Installation, name: str = "worker-1") -> "Worker":
        """A worker with the installation's token."""
        resources: Resources = installation.resources
        token = resources.settings.inference_token.get_secret_value()
        return cls(TestClient(installation.app, headers={"Authorization": f"Bearer {token}"}), name)

    def claim(self) -> AnalyzeStudy | None:
        """Ask for work."""
        answer = self._post("claim", ClaimRequest(worker_id=self.name))
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.text
        return AnalyzeStudy.model_validate_json(answer.content)

    def must_claim(self) -> AnalyzeStudy:
        """Ask for work that is known to be there."""
        job = self.claim()
        assert job is not None
        return job

    def beat(self, job: AnalyzeStudy, stage: Stage, done: int = 0, total: int = 0) -> LeaseState:
        """Send a heartbeat that must be taken."""
        answer = self.try_beat(job, stage, done, total)
        assert answer.status_code == 200, answer.text
        return LeaseState.model_validate_json(answer.content)

    def try_beat(self, job: AnalyzeStudy, stage: Stage, done: int = 0, total: int = 0) -> Response:
        """Send a heartbeat."""
        beat = Heartbeat(fence=job.fence, stage=stage, done=done, total=total)
        return self._post(f"{job.job_id}/heartbeat", beat)

    def complete(self, job: AnalyzeStudy, result: PredictionResult | None = None) -> Response:
        """Give an answer."""
        answer = CompleteJob(fence=job.fence, worker_id=self.name, result=result or prediction(job))
        return self._post(f"{job.job_id}/complete", answer)

    def fail(self, job: AnalyzeStudy, *, retryable: bool) -> Response:
        """Give the job up."""
        failure = FailJob(
            fence=job.fence,
            worker_id=self.name,
            code="out_of_memory",
            detail="The study did not fit into memory.",
            retryable=retryable,
        )
        return self._post(f"{job.job_id}/fail", failure)

    def _post(self, path: str, body: Contract) -> Response:
        answer: Response = self.client.post(
            f"/internal/v1/jobs/{path}",
            content=body.model_dump_json(),
            headers={"Content-Type": "application/json"},
        )
        return answer
