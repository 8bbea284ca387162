"""Trainings that wait, and trainers that speak the training protocol, for the gateway's tests."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from httpx import Response
from tests.gateway.installation import Installation

from gateway.rollout.models import Rollout
from gateway.trainings.doorbell import trainer_bell
from gateway.trainings.models import Training
from gateway.trainings.schemas import TrainingRequest
from gateway.trainings.service import TrainingService
from ictus.contracts.base import Contract
from ictus.contracts.cases import TrainingDataset
from ictus.contracts.trainings import (
    ClaimTraining,
    CompleteTraining,
    FailTraining,
    GateCheck,
    GateReport,
    TrainingHeartbeat,
    TrainingLease,
    TrainingOutcome,
    TrainingProgress,
    TrainModel,
)
from ictus.domain.enums import RolloutMode

SPACE = "5" * 64


def dataset(installation: Installation, new_cases: int = 12) -> TrainingDataset:
    """A dataset as the feedback service describes it."""
    return TrainingDataset(
        dataset_id=uuid4(),
        sha256="d" * 64,
        embedding_space=SPACE,
        features=24,
        cases=20,
        slices=60,
        stroke_cases=9,
        normal_cases=11,
        corrected=5,
        new_cases=new_cases,
        patients=18,
        readers=3,
        held_back=0,
        created_at=installation.clock(),
        erased_cases=0,
    )


def add_training(installation: Installation, base: str = "1.0.0", by: UUID | None = None) -> UUID:
    """A queued training, as a request leaves it."""
    resources = installation.resources
    with resources.sessions.begin() as session:
        trainings = TrainingService(session, installation.clock(), 1, trainer_bell(session, resources.celery))
        training = trainings.queue(TrainingRequest(seed=7), base, dataset(installation), by)
    return training.id


def read_training(installation: Installation, training_id: UUID) -> Training:
    """The row as it is now."""
    with installation.resources.sessions() as session:
        training = session.get(Training, training_id)
    assert training is not None
    return training


def arrange(
    installation: Installation,
    mode: RolloutMode,
    challenger: str | None = "8",
    champion: str = "7",
    share: float = 1.0,
) -> None:
    """A rollout, as an administrator's wish leaves it; no registry is asked."""
    with installation.resources.sessions.begin() as session:
        session.add(
            Rollout(
                mode=mode,
                champion=champion,
                challenger=challenger,
                share=share,
                set_at=installation.clock(),
                set_by=uuid4(),
            )
        )


def gate_report(*, passed: bool) -> GateReport:
    """A report with one check."""
    check = GateCheck(
        name="auc_difference",
        subgroup=None,
        measured=0.012 if passed else -0.05,
        lower_bound=0.001 if passed else -0.09,
        bound=-0.01,
        passed=passed,
        sentence="It tells strokes from normal scans as well as the model in use."
        if passed
        else "It tells strokes from normal scans worse than the model in use.",
    )
    return GateReport(passed=passed, checks=(check,))


@dataclass(frozen=True)
class Trainer:
    """A trainer, as far as the gateway sees it."""

    client: TestClient
    name: str = "trainer-1"

    @classmethod
    def of(cls, installation: Installation) -> "Trainer":
        """A trainer with the installation's token."""
        token = installation.resources.settings.trainer_token.get_secret_value()
        return cls(TestClient(installation.app, headers={"Authorization": f"Bearer {token}"}))

    def claim(self) -> TrainModel | None:
        """Ask for work."""
        answer = self._post("claim", ClaimTraining(worker_id=self.name))
        if answer.status_code == 204:
            return None
        assert answer.status_code == 200, answer.text
        return TrainModel.model_validate_json(answer.content)

    def must_claim(self) -> TrainModel:
        """Ask for work that is known to be there."""
        order = self.claim()
        assert order is not None
        return order

    def beat(self, order: TrainModel, fraction: float = 0.5) -> TrainingLease:
        """Send a heartbeat that must be taken."""
        answer = self.try_beat(order, fraction)
        assert answer.status_code == 200, answer.text
        return TrainingLease.model_validate_json(answer.content)

    def try_beat(self, order: TrainModel, fraction: float = 0.5) -> Response:
        """Send a heartbeat."""
        progress = TrainingProgress(stage="Learning", fraction=fraction, figures={"loss": 0.25})
        return self._post(
            f"{order.training_id}/heartbeat", TrainingHeartbeat(fence=order.fence, progress=progress)
        )

    def complete(
        self,
        order: TrainModel,
        *,
        passed: bool = True,
        version: str | None = None,
        sha256: str = "a" * 64,
    ) -> Response:
        """Name the candidate."""
        outcome = TrainingOutcome(
            version=version or order.candidate_version,
            sha256=sha256,
            metrics={"test_auc": 0.93, "champion_test_auc": 0.92},
            gate=gate_report(passed=passed),
        )
        return self._post(
            f"{order.training_id}/complete",
            CompleteTraining(fence=order.fence, worker_id=self.name, outcome=outcome),
        )

    def fail(self, order: TrainModel, *, retryable: bool, code: str = "disk_full") -> Response:
        """Give the training up."""
        failure = FailTraining(
            fence=order.fence,
            worker_id=self.name,
            code=code,
            reason="The disk of the trainer is full.",
            retryable=retryable,
        )
        return self._post(f"{order.training_id}/fail", failure)

    def _post(self, path: str, body: Contract) -> Response:
        answer: Response = self.client.post(
            f"/internal/v1/trainings/{path}",
            content=body.model_dump_json(),
            headers={"Content-Type": "application/json"},
        )
        return answer


def let_lease_run_out(installation: Installation) -> None:
    """Move the clock past every lease."""
    installation.clock.now += timedelta(seconds=installation.resources.settings.training_lease_seconds + 1)
