"""Starting trainings, on an administrator's word or by themselves, with a real registry and a real feedback service."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save
from tests.gateway.installation import FeedbackService, Installation
from tests.gateway.learning import Trainer
from tests.gateway.models.conftest import (
    describe_again,
    manifest,
    model_directory,
    model_name,
    registry,
)
from tests.overlooked import overlooked

from gateway.settings import GatewaySettings
from gateway.trainings.policy import TrainingPolicy
from gateway.trainings.schedule import is_due, start_training_if_due
from ictus.contracts.cases import CaseSummary
from ictus.contracts.reviews import Review, VerdictRequest
from ictus.domain.enums import Finding, ReaderConfidence, Role
from ictus.registry import Registry
from ictus.storage.keys import embedding_key, result_prefix
from local.secret_files import ModelKeys

__all__ = ["describe_again", "manifest", "model_directory", "model_name", "registry"]

TRAININGS = "/api/v1/trainings"
Confirm = Callable[[int], None]


@pytest.fixture
def settings(
    make_settings: Callable[..., GatewaySettings],
    mlflow_url: str,
    model_name: str,
    model_keys: ModelKeys,
    feedback_service: FeedbackService,
) -> GatewaySettings:
    return make_settings(
        mlflow_url=mlflow_url,
        model_name=model_name,
        model_public_key=model_keys.public,
        feedback_url=feedback_service.url,
        feedback_token=feedback_service.token,
        training_new_cases=12,
    )


@pytest.fixture
def space() -> str:
    return uuid4().hex * 2


@pytest.fixture
def champion(
    registry: Registry,
    model_directory: Path,
    describe_again: Callable[..., None],
    sign_model: Callable[[Path], Path],
    space: str,
) -> str:
    """A model in use that a later version can learn on top of."""
    describe_again(model_directory, embedding_space=space)
    registry.promote(registry.publish(sign_model(model_directory)))
    return "1.0.0"


@pytest.fixture
def confirm(installation: Installation, space: str) -> Confirm:
    """Has so many errors of the model found by readers."""

    def confirm(errors: int) -> None:
        resources, site = installation.resources, uuid4()
        for number in range(errors):
            study, job, series = uuid4(), uuid4(), uuid4()
            key = embedding_key(result_prefix(study, job, 1), series)
            resources.store.put_bytes(key, save({"embedding": np.full((3, 8), number, np.float16)}))
            item = overlooked(
                study,
                job,
                series,
                site,
                key,
                space,
                "1.0.0",
                installation.clock(),
                reason_code="between_thresholds",
                key_slices=(1,),
                slice_scores=(0.3, 0.4, 0.2),
            )
            resources.feedback.tell("PUT", f"/internal/v1/review-items/{job}", body=item)
            verdict = VerdictRequest(
                reader_id=uuid4(),
                agrees=False,
                finding=Finding.STROKE,
                key_slices=(1,),
                confidence=ReaderConfidence.HIGH,
                expected_revision=0,
            )
            resources.feedback.call("POST", f"/internal/v1/reviews/{job}/verdicts", Review, body=verdict)

    return confirm


def test_an_administrator_starts_a_training_of_the_model_in_use(
    installation: Installation, admin: TestClient, champion: str, confirm: Confirm, trainer: Trainer
) -> None:
    few = admin.post(TRAININGS, json={})
    assert (few.status_code, few.json()["code"]) == (409, "not_enough_cases")
    assert few.json()["detail"] == "0 new cases have been confirmed; a training needs 10."
    confirm(11)
    answer = admin.post(TRAININGS, json={"seed": 3})
    assert answer.status_code == 201, answer.text
    training = answer.json()
    assert (training["state"], training["base_version"], training["automatic"]) == (
        "queued",
        champion,
        False,
    )
    assert (training["dataset"]["cases"], training["dataset"]["corrected"]) == (11, 11)
    second = admin.post(TRAININGS, json={})
    assert (second.status_code, second.json()["code"]) == (409, "training_open")
    order = trainer.must_claim()
    assert (str(order.dataset_id), order.seed) == (training["dataset"]["dataset_id"], 3)
    assert [one["id"] for one in admin.get(TRAININGS).json()["items"]] == [training["id"]]
    asked = [event for event in installation.audit() if event.action == "training.request"]
    assert [event.code for event in asked] == ["not_enough_cases", None, "training_open"]
    assert (asked[1].object_id, asked[1].detail["base_version"]) == (training["id"], champion)


def test_a_training_starts_by_itself_when_enough_new_cases_wait(
    installation: Installation, admin: TestClient, champion: str, confirm: Confirm
) -> None:
    confirm(11)
    assert not start_training_if_due(installation.resources)
    confirm(1)
    assert start_training_if_due(installation.resources)
    assert not start_training_if_due(installation.resources), "one at a time"
    (training,) = admin.get(TRAININGS).json()["items"]
    assert (training["automatic"], training["requested_by"]) == (True, None)
    assert (training["base_version"], training["dataset"]["new_cases"]) == (champion, 12)


def test_nothing_starts_while_no_model_is_in_use(
    installation: Installation, admin: TestClient, registry: Registry
) -> None:
    assert registry.champion() is None
    assert not start_training_if_due(installation.resources)
    refused = admin.post(TRAININGS, json={})
    assert (refused.status_code, refused.json()["code"]) == (404, "no_model")


def test_a_model_that_says_nothing_of_its_embeddings_teaches_none(
    admin: TestClient,
    registry: Registry,
    model_directory: Path,
    sign_model: Callable[[Path], Path],
) -> None:
    registry.promote(registry.publish(sign_model(model_directory)))
    refused = admin.post(TRAININGS, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "model_not_teachable")


def test_only_administrators_start_trainings(installation: Installation) -> None:
    reader = installation.add_person(Role.RADIOLOGIST).sign_in()
    assert reader.post(TRAININGS, json={}).status_code == 403
    assert reader.get(TRAININGS).status_code == 403


def test_the_permitted_changes_are_shown(admin: TestClient) -> None:
    shown = admin.get(f"{TRAININGS}/permitted-changes").json()
    assert shown["acceptance"]["lower_bound"] == -0.01
    assert shown["may_change"]["latent_replay"] == ["head", "calibration"]


def test_the_calendar_starts_a_training_of_few_new_cases(installation: Installation) -> None:
    now = installation.clock()
    policy = TrainingPolicy(new_cases=50, every=timedelta(days=7))

    def waiting(cases: int, days: float, untried: int | None = None) -> CaseSummary:
        return CaseSummary(
            embedding_space=None,
            cases=100,
            corrected=10,
            new_cases=cases,
            new_corrected=1,
            untried_cases=cases if untried is None else untried,
            readers=3,
            oldest_new_at=now - timedelta(days=days),
            last_dataset_id=None,
            last_dataset_at=None,
        )

    assert not is_due(None, waiting(20, 6.9), policy, now)
    assert is_due(None, waiting(20, 7), policy, now)
    assert not is_due(None, waiting(0, 70), policy, now)
    assert is_due(None, waiting(50, 0), policy, now)
    assert not is_due(None, waiting(49, 0), policy, now)
    never = TrainingPolicy(new_cases=None, every=None)
    assert not is_due(None, waiting(500, 70), never, now)


def test_the_same_cases_are_not_learned_from_again_by_themselves_unless_the_trainer_failed(
    installation: Installation, admin: TestClient, champion: str, confirm: Confirm, trainer: Trainer
) -> None:
    confirm(12)
    assert start_training_if_due(installation.resources)
    trainer.complete(trainer.must_claim(), passed=False)
    installation.clock.advance(minutes=1)
    asked = admin.post(TRAININGS, json={})
    assert asked.status_code == 201, "an administrator may, the candidate was refused"
    assert asked.json()["dataset"]["new_cases"] == 12
    trainer.fail(trainer.must_claim(), retryable=False)
    installation.clock.advance(days=2)
    assert start_training_if_due(installation.resources)
    trainer.complete(trainer.must_claim(), passed=False)
    installation.clock.advance(days=2)
    assert not start_training_if_due(installation.resources), "they would give the refused candidate again"
