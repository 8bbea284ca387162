"""Approving, promoting and rolling back, with a real registry."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from redis import Redis
from tests.gateway.installation import Installation
from tests.gateway.learning import Trainer, add_training

from gateway.cli import main
from gateway.models.models import Release, ReleaseKind
from gateway.models.releases import champions_before
from gateway.settings import GatewaySettings
from ictus.contracts.tasks import MODEL_CHANGED
from ictus.domain.enums import Role
from ictus.model.manifest import load_model_directory
from ictus.registry import Registry

MODELS = "/api/v1/models"
Publish = Callable[[str], str]


@pytest.fixture
def publish(
    registry: Registry,
    model_directory: Path,
    describe_again: Callable[..., None],
    sign_model: Callable[[Path], Path],
) -> Publish:
    """Registers a version and gives the digest of its manifest."""

    def publish(version: str) -> str:
        describe_again(model_directory, version=version)
        registry.publish(sign_model(model_directory))
        return load_model_directory(model_directory).sha256

    return publish


@pytest.fixture
def champion(registry: Registry, publish: Publish) -> str:
    """A version in use, put there when the installation was made."""
    publish("1.0.0")
    registry.promote("1.0.0")
    return "1.0.0"


@pytest.fixture
def trained(installation: Installation, champion: str, publish: Publish) -> Callable[..., tuple[UUID, str]]:
    """Runs a training whose candidate is registered; gives its id and the candidate's version."""

    def train(*, passed: bool = True, base: str = champion, changed: bool = False) -> tuple[UUID, str]:
        training_id = add_training(installation, base)
        trainer = Trainer.of(installation)
        order = trainer.must_claim()
        sha256 = publish(order.candidate_version)
        answer = trainer.complete(order, passed=passed, sha256="b" * 64 if changed else sha256)
        assert answer.status_code == 204, answer.text
        return training_id, order.candidate_version

    return train


@pytest.fixture
def admin(installation: Installation) -> TestClient:
    return installation.add_person(Role.ADMIN).sign_in()


def code_of(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]


def test_an_approved_candidate_answers_from_now_on(
    installation: Installation,
    admin: TestClient,
    registry: Registry,
    trained: Callable[..., tuple[UUID, str]],
) -> None:
    training_id, version = trained()
    assert registry.champion() == "1.0.0", "the system only proposes"
    assert admin.get(f"{MODELS}/current").json()["version"] == "1.0.0"
    bell = installation.resources.redis.pubsub()
    bell.subscribe(MODEL_CHANGED)
    assert bell.get_message(timeout=5) is not None
    answer = admin.post(f"/api/v1/trainings/{training_id}/approve")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], registry.champion()) == ("published", version)
    assert answer.json()["approvals"][0]["approver"] == "Test Person"
    assert bell.get_message(ignore_subscribe_messages=True, timeout=5) is not None, "the workers are told"
    assert admin.get(f"{MODELS}/current").json()["version"] == version, "at once"
    (release,) = admin.get(f"{MODELS}/releases").json()["items"]
    assert (release["kind"], release["version"], release["previous"]) == ("promote", version, "1.0.0")
    assert release["released_by_name"] == "Test Person"
    row = [event for event in installation.audit() if event.action == "training.approve"][-1]
    assert (row.object_id, row.detail) == (str(training_id), {"version": version, "published": True})


def test_champion_and_challenger_stand_side_by_side(
    admin: TestClient, trained: Callable[..., tuple[UUID, str]]
) -> None:
    training_id, version = trained()
    seen = admin.get(MODELS).json()
    assert (seen["champion"], seen["challenger"], seen["rollback_target"]) == ("1.0.0", version, None)
    newest, oldest = seen["versions"]
    assert (newest["version"], newest["gate"], newest["training_id"]) == (version, "passed", str(training_id))
    assert (newest["can_be_promoted"], oldest["aliases"]) == (False, ["champion"])
    detail = admin.get(f"{MODELS}/{version}").json()
    assert detail["training"]["gate"]["passed"]
    assert detail["description"]["validated_for"] == "Validated for haemorrhage on head CT."
    assert code_of(admin.get(f"{MODELS}/9.9.9")) == (404, "model_not_found")


def test_what_the_gate_refused_is_never_promoted(
    admin: TestClient, registry: Registry, trained: Callable[..., tuple[UUID, str]]
) -> None:
    training_id, version = trained(passed=False)
    assert code_of(admin.post(f"{MODELS}/{version}/promote")) == (409, "gate_refused")
    assert code_of(admin.post(f"/api/v1/trainings/{training_id}/approve")) == (409, "training_state")
    shadow = admin.put(f"{MODELS}/rollout", json={"mode": "shadow", "challenger": version})
    assert code_of(shadow) == (409, "gate_refused")
    assert registry.champion() == "1.0.0"


def test_what_nobody_approved_is_not_promoted(
    admin: TestClient, registry: Registry, publish: Publish, trained: Callable[..., tuple[UUID, str]]
) -> None:
    _, version = trained()
    assert code_of(admin.post(f"{MODELS}/{version}/promote")) == (409, "model_not_approved")
    publish("3.0.0")
    assert code_of(admin.post(f"{MODELS}/3.0.0/promote")) == (409, "model_not_approved")
    canary = {"mode": "canary", "challenger": version, "share": 0.1}
    assert code_of(admin.put(f"{MODELS}/rollout", json=canary)) == (409, "model_not_approved")
    assert registry.champion() == "1.0.0"


def test_a_candidate_that_is_not_what_the_gate_judged_is_not_used(
    admin: TestClient, registry: Registry, trained: Callable[..., tuple[UUID, str]]
) -> None:
    training_id, _ = trained(changed=True)
    answer = admin.post(f"/api/v1/trainings/{training_id}/approve")
    assert code_of(answer) == (409, "model_changed")
    assert registry.champion() == "1.0.0"
    assert admin.get(f"/api/v1/trainings/{training_id}").json()["approvals"] == []


def test_a_rejected_candidate_stays_out(admin: TestClient, trained: Callable[..., tuple[UUID, str]]) -> None:
    training_id, version = trained()
    answer = admin.post(f"/api/v1/trainings/{training_id}/reject", json={"reason": "Too few MR cases."})
    assert (answer.json()["state"], answer.json()["rejected_reason"]) == ("rejected", "Too few MR cases.")
    assert code_of(admin.post(f"/api/v1/trainings/{training_id}/approve")) == (409, "training_state")
    assert code_of(admin.post(f"{MODELS}/{version}/promote")) == (409, "model_not_approved")


def test_only_administrators_decide(
    installation: Installation, trained: Callable[..., tuple[UUID, str]]
) -> None:
    training_id, version = trained()
    reader = installation.add_person(Role.RADIOLOGIST).sign_in()
    for path in (
        f"/api/v1/trainings/{training_id}/approve",
        f"{MODELS}/{version}/promote",
        f"{MODELS}/rollback",
    ):
        assert reader.post(path).status_code == 403


class TestTwoApprovals:
    @pytest.fixture
    def settings(
        self,
        make_settings: Callable[..., GatewaySettings],
        settings: GatewaySettings,
    ) -> GatewaySettings:
        return settings.model_copy(update={"training_approvals": 2})

    def test_two_different_administrators_must_approve(
        self,
        installation: Installation,
        registry: Registry,
        trained: Callable[..., tuple[UUID, str]],
    ) -> None:
        training_id, version = trained()
        approve = f"/api/v1/trainings/{training_id}/approve"
        first, second = (installation.add_person(Role.ADMIN).sign_in() for _ in range(2))
        assert first.post(approve).json()["state"] == "awaiting_approval"
        assert code_of(first.post(approve)) == (409, "approved_already")
        assert code_of(first.post(f"{MODELS}/{version}/promote")) == (409, "model_not_approved")
        assert registry.champion() == "1.0.0"
        answer = second.post(approve, json={"publish": False}).json()
        assert (answer["state"], len(answer["approvals"])) == ("awaiting_approval", 2)
        assert registry.champion() == "1.0.0"
        assert first.post(f"{MODELS}/{version}/promote").status_code == 200
        assert registry.champion() == version


def test_a_rollback_restores_the_model_before_and_ends_the_rollout(
    installation: Installation,
    admin: TestClient,
    registry: Registry,
    trained: Callable[..., tuple[UUID, str]],
) -> None:
    training_id, second = trained()
    admin.post(f"/api/v1/trainings/{training_id}/approve")
    training_id, third = trained(base=second)
    admin.post(f"/api/v1/trainings/{training_id}/approve", json={"publish": False})
    canary = {"mode": "canary", "challenger": third, "share": 0.2}
    arranged = admin.put(f"{MODELS}/rollout", json=canary)
    assert arranged.status_code == 200, arranged.text
    assert (registry.challenger(), arranged.json()["agreement"]["studies"]) == (third, 0)
    began = time.monotonic()
    answer = admin.post(f"{MODELS}/rollback", json={"reason": "More false alarms than before."})
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < 60
    assert (answer.json()["kind"], answer.json()["version"]) == ("rollback", "1.0.0")
    assert registry.champion() == "1.0.0"
    assert admin.get(f"{MODELS}/rollout").json()["mode"] == "none"
    assert admin.get(f"/api/v1/trainings/{training_id}").json()["state"] == "superseded"
    assert code_of(admin.post(f"{MODELS}/rollback")) == (409, "no_earlier_model")
    assert code_of(admin.post(f"{MODELS}/rollback", json={"to": "1.0.0"})) == (409, "model_in_use")
    assert code_of(admin.post(f"{MODELS}/rollback", json={"to": third})) == (409, "model_never_in_use")
    assert code_of(admin.post(f"{MODELS}/{third}/promote")) == (409, "model_superseded")
    row = next(event for event in installation.audit() if event.action == "model.roll_back")
    assert (row.object_id, row.detail) == ("1.0.0", {"previous": second})
    back = admin.post(f"{MODELS}/rollback", json={"to": second})
    assert (back.status_code, registry.champion()) == (200, second)


def test_an_operator_rolls_back_with_one_command(
    installation: Installation,
    admin: TestClient,
    registry: Registry,
    settings: GatewaySettings,
    trained: Callable[..., tuple[UUID, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training_id, _ = trained()
    admin.post(f"/api/v1/trainings/{training_id}/approve")
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(f"ICTUS_{name.upper()}", getattr(settings, name).get_secret_value())
    for name in ("mlflow_url", "model_name", "model_public_key"):
        monkeypatch.setenv(f"ICTUS_{name.upper()}", str(getattr(settings, name)))
    written: list[str] = []
    assert main(["rollback", "--reason", "false alarms"], write=written.append, clock=installation.clock) == 0
    assert ("".join(written), registry.champion()) == ("1.0.0\n", "1.0.0")
    (release, _) = admin.get(f"{MODELS}/releases").json()["items"]
    assert (release["kind"], release["released_by"], release["reason"]) == ("rollback", None, "false alarms")
    assert [event.action for event in installation.audit() if event.action == "model.roll_back"]
    assert main(["rollback"], write=written.append, clock=installation.clock) == 1, "nothing is left"


def test_two_rollbacks_at_once_go_back_once(
    installation: Installation,
    registry: Registry,
    trained: Callable[..., tuple[UUID, str]],
) -> None:
    people = [installation.add_person(Role.ADMIN).sign_in() for _ in range(2)]
    training_id, version = trained()
    people[0].post(f"/api/v1/trainings/{training_id}/approve")
    assert registry.champion() == version
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(one.post(f"{MODELS}/rollback").status_code))
        for one in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(answers), registry.champion()) == ([200, 409], "1.0.0")


def test_workers_that_cannot_be_told_are_no_reason_to_keep_a_bad_model(
    installation: Installation,
    admin: TestClient,
    registry: Registry,
    trained: Callable[..., tuple[UUID, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    training_id, _ = trained()
    admin.post(f"/api/v1/trainings/{training_id}/approve")
    away: Redis[bytes] = Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    monkeypatch.setattr(installation.resources.redis, "publish", away.publish)
    assert admin.post(f"{MODELS}/rollback").status_code == 200
    assert registry.champion() == "1.0.0"


def released(kind: ReleaseKind, version: str, previous: str) -> Release:
    return Release(kind=kind, version=version, previous=previous, released_by=uuid4())


def test_rollbacks_in_a_row_go_further_back() -> None:
    history = [released(ReleaseKind.PROMOTE, "B", "A"), released(ReleaseKind.PROMOTE, "C", "B")]
    assert champions_before(history, "C") == ["A", "B"]
    history.append(released(ReleaseKind.ROLLBACK, "B", "C"))
    assert champions_before(history, "B") == ["A"]
    history.append(released(ReleaseKind.ROLLBACK, "A", "B"))
    assert champions_before(history, "A") == []
    history.append(released(ReleaseKind.PROMOTE, "D", "A"))
    assert champions_before(history, "D") == ["A"]


def test_a_champion_that_somebody_set_in_the_registry_is_rolled_back_too() -> None:
    history = [released(ReleaseKind.PROMOTE, "B", "A")]
    assert champions_before(history, "X") == ["A", "B"]
    assert champions_before([], "X") == []
