"""Claiming, keeping, ending and losing a training; every refusal changes nothing."""

from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker
from tests.gateway.installation import Installation
from tests.gateway.learning import Trainer, add_training, gate_report, let_lease_run_out, read_training

from gateway.jobs.sweep import sweep
from gateway.models.models import Release, ReleaseKind
from ictus.contracts.tasks import QUEUE_TRAINER
from ictus.domain.enums import TrainingMethod, TrainingState


def test_a_claim_says_what_is_to_be_learned(installation: Installation, trainer: Trainer) -> None:
    training_id = add_training(installation, base="1.4.0")
    order = trainer.must_claim()
    training = read_training(installation, training_id)
    assert (order.training_id, order.base_version) == (training_id, "1.4.0")
    assert (order.method, order.seed) == (TrainingMethod.LATENT_REPLAY, 7)
    assert (order.dataset_id, order.candidate_version) == (training.dataset_id, training.candidate_version)
    assert (order.attempt, order.fence, training.state) == (1, 1, TrainingState.RUNNING)
    assert trainer.claim() is None, "one at a time"


def test_only_the_trainers_token_opens_the_protocol(installation: Installation) -> None:
    add_training(installation)
    stranger = Trainer(Worker.of(installation).client)
    answer = stranger.client.post("/internal/v1/trainings/claim", json={"worker_id": "w"})
    assert answer.status_code == 401


def test_progress_shows(installation: Installation, trainer: Trainer, admin: TestClient) -> None:
    training_id = add_training(installation)
    assert not trainer.beat(trainer.must_claim(), 0.5).cancel
    shown = admin.get(f"/api/v1/trainings/{training_id}").json()
    assert (shown["state"], shown["automatic"]) == ("running", True)
    assert shown["progress"]["stage"] == "Learning"
    assert (shown["progress"]["fraction"], shown["progress"]["figures"]) == (0.5, {"loss": 0.25})


def test_a_candidate_that_passed_waits_for_approval(installation: Installation, trainer: Trainer) -> None:
    training_id = add_training(installation)
    order = trainer.must_claim()
    assert trainer.complete(order).status_code == 204
    assert trainer.complete(order).status_code == 204, "the same answer twice is taken once"
    training = read_training(installation, training_id)
    assert (training.state, training.candidate_sha256) == (TrainingState.AWAITING_APPROVAL, "a" * 64)
    assert training.gate == gate_report(passed=True).model_dump(mode="json")
    ended = [entry.action for entry in installation.audit() if entry.action.startswith("training.")]
    assert ended == ["training.started", "training.awaiting_approval"]


def test_a_candidate_that_the_gate_refused_is_kept_with_the_reason(
    installation: Installation, trainer: Trainer, admin: TestClient
) -> None:
    training_id = add_training(installation)
    trainer.complete(trainer.must_claim(), passed=False)
    shown = admin.get(f"/api/v1/trainings/{training_id}").json()
    assert shown["state"] == "refused"
    assert "worse than the model in use" in shown["gate"]["checks"][0]["sentence"]
    refused = admin.post(f"/api/v1/trainings/{training_id}/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "training_state")


def test_a_candidate_of_a_replaced_champion_is_superseded(
    installation: Installation, trainer: Trainer
) -> None:
    training_id = add_training(installation, base="1.0.0")
    order = trainer.must_claim()
    with installation.resources.sessions.begin() as session:
        session.add(
            Release(
                kind=ReleaseKind.PROMOTE,
                version="1.1.0",
                previous="1.0.0",
                released_at=installation.clock(),
                released_by=None,
                reason=None,
            )
        )
    trainer.complete(order)
    assert read_training(installation, training_id).state is TrainingState.SUPERSEDED


def test_another_candidate_than_the_one_asked_for_is_not_taken(
    installation: Installation, trainer: Trainer
) -> None:
    training_id = add_training(installation)
    answer = trainer.complete(trainer.must_claim(), version="9.9.9")
    assert (answer.status_code, answer.json()["code"]) == (422, "outcome_mismatch")
    assert read_training(installation, training_id).state is TrainingState.RUNNING


def test_a_silent_trainers_work_goes_on_and_its_late_answer_is_refused(
    installation: Installation, trainer: Trainer
) -> None:
    training_id = add_training(installation)
    zombie = trainer.must_claim()
    let_lease_run_out(installation)
    sweep(installation.resources)
    installation.clock.advance(seconds=60)
    second = trainer.must_claim()
    assert (second.training_id, second.attempt, second.fence) == (training_id, 2, 2)
    assert (second.seed, second.candidate_version) == (zombie.seed, zombie.candidate_version)
    for late in (trainer.complete(zombie), trainer.try_beat(zombie), trainer.fail(zombie, retryable=True)):
        assert (late.status_code, late.json()["code"]) == (409, "fence_lost")
    assert trainer.complete(second).status_code == 204


def test_after_three_silent_attempts_the_training_has_failed(
    installation: Installation, trainer: Trainer, admin: TestClient
) -> None:
    training_id = add_training(installation)
    for _ in range(3):
        trainer.must_claim()
        let_lease_run_out(installation)
        sweep(installation.resources)
        installation.clock.advance(minutes=2)
    assert trainer.claim() is None
    shown = admin.get(f"/api/v1/trainings/{training_id}").json()
    assert (shown["state"], shown["failure_code"], shown["attempt"]) == ("failed", "lease_lost", 3)
    assert shown["failure_reason"] == "The trainer stopped answering."
    add_training(installation)
    assert trainer.claim() is not None, "the next one may start"


def test_a_failure_that_repeating_cannot_help_ends_the_training(
    installation: Installation, trainer: Trainer
) -> None:
    training_id = add_training(installation)
    order = trainer.must_claim()
    assert trainer.fail(order, retryable=False).status_code == 204
    assert trainer.fail(order, retryable=False).status_code == 204, "the same answer twice is taken once"
    training = read_training(installation, training_id)
    assert (training.state, training.failure_reason) == (
        TrainingState.FAILED,
        "The disk of the trainer is full.",
    )


def test_a_waiting_training_is_cancelled_at_once(
    installation: Installation, trainer: Trainer, admin: TestClient
) -> None:
    training_id = add_training(installation)
    assert admin.post(f"/api/v1/trainings/{training_id}/cancel").json()["state"] == "cancelled"
    assert trainer.claim() is None
    again = admin.post(f"/api/v1/trainings/{training_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "training_state")


def test_a_running_training_is_told_to_stop(
    installation: Installation, trainer: Trainer, admin: TestClient
) -> None:
    training_id = add_training(installation)
    order = trainer.must_claim()
    assert admin.post(f"/api/v1/trainings/{training_id}/cancel").json()["state"] == "cancelling"
    assert trainer.beat(order).cancel
    assert trainer.fail(order, retryable=True, code="cancelled").status_code == 204
    assert read_training(installation, training_id).state is TrainingState.CANCELLED


def test_a_candidate_that_was_ready_before_the_cancellation_is_not_put_forward(
    installation: Installation, trainer: Trainer, admin: TestClient
) -> None:
    training_id = add_training(installation)
    order = trainer.must_claim()
    admin.post(f"/api/v1/trainings/{training_id}/cancel")
    assert trainer.complete(order).status_code == 204
    assert read_training(installation, training_id).state is TrainingState.CANCELLED


def test_a_lost_wake_up_is_repeated_once(installation: Installation) -> None:
    redis = installation.resources.redis
    add_training(installation)
    assert redis.llen(QUEUE_TRAINER) == 1
    redis.flushdb()
    for _ in range(3):
        sweep(installation.resources)
    assert redis.llen(QUEUE_TRAINER) == 1
