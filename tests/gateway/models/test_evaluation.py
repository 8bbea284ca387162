"""Figures are held against each other only when they were measured on the same patients."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.gateway.installation import Installation
from tests.gateway.learning import Trainer, add_training

from ictus.domain.enums import Role
from ictus.model.manifest import (
    TEST_SET_FILE,
    FileDigest,
    Metric,
    ModelManifest,
    file_sha256,
    load_model_directory,
)
from ictus.registry import Registry

MODELS = "/api/v1/models"
CROSS_VALIDATED, ON_TEST_SET = 0.906, 0.829
Publish = Callable[..., str]


def figures(own: float, on_test_set: float | None = None) -> tuple[Metric, ...]:
    """A study ROC-AUC of the version's own evaluation and on its frozen test set."""
    of_own = Metric(name="roc_auc", level="study", value=own, low=own - 0.07, high=own + 0.06)
    if on_test_set is None:
        return (of_own,)
    return of_own, Metric(name="roc_auc_on_test_set", level="study", value=on_test_set, low=0.6, high=0.95)


@pytest.fixture
def publish(
    registry: Registry,
    model_directory: Path,
    manifest: ModelManifest,
    describe_again: Callable[..., None],
    sign_model: Callable[[Path], Path],
) -> Publish:
    """Registers a version with these figures and this frozen test set; gives its digest."""

    def publish(version: str, metrics: tuple[Metric, ...], test_set: bytes = b"", **training: object) -> str:
        files = dict(
            ModelManifest.model_validate_json((model_directory / "manifest.json").read_bytes()).files
        )
        files.pop(TEST_SET_FILE, None)
        if test_set:
            (model_directory / TEST_SET_FILE).write_bytes(test_set)
            digest = file_sha256(model_directory / TEST_SET_FILE)
            files[TEST_SET_FILE] = FileDigest(sha256=digest, size=len(test_set))
        describe_again(
            model_directory,
            version=version,
            metrics=metrics,
            files=files,
            training=manifest.training.model_copy(update=training),
        )
        registry.publish(sign_model(model_directory))
        return load_model_directory(model_directory).sha256

    return publish


@pytest.fixture
def champion(registry: Registry, publish: Publish) -> str:
    """A cross-validated version with a frozen test set, in use."""
    how = {"patients": 82, "test_patients": 12, "evaluation": "5-fold cross-validation by patient."}
    publish("1.0.0", figures(CROSS_VALIDATED, ON_TEST_SET), b"frozen", **how)
    registry.promote("1.0.0")
    return "1.0.0"


@pytest.fixture
def admin(installation: Installation) -> TestClient:
    return installation.add_person(Role.ADMIN).sign_in()


def learn(installation: Installation, publish: Publish, auc: float, test_set: bytes) -> tuple[UUID, str]:
    """A training whose candidate has this AUC on the test set that it took over."""
    training = add_training(installation, "1.0.0")
    trainer = Trainer.of(installation)
    order = trainer.must_claim()
    how = "Measured on the frozen test set: 12 patients."
    sha256 = publish(order.candidate_version, figures(auc, auc), test_set, patients=20, evaluation=how)
    assert trainer.complete(order, passed=True, sha256=sha256).status_code == 204
    return training, order.candidate_version


@pytest.mark.parametrize("test_set", [b"frozen", b"the same in another embedding space"])
def test_champion_and_challenger_are_compared_on_the_test_set_that_both_have(
    installation: Installation, admin: TestClient, champion: str, publish: Publish, test_set: bytes
) -> None:
    _, version = learn(installation, publish, 0.857, test_set)
    seen = admin.get(MODELS).json()
    assert seen["compared_patients"] == 12
    (figure,) = seen["comparison"]
    assert (figure["champion"]["value"], figure["challenger"]["value"]) == (ON_TEST_SET, 0.857)
    assert figure["champion"]["low"] == 0.6
    by_name = {one["version"]: one["measured"] for one in seen["versions"]}
    old, new = by_name[champion], by_name[version]
    assert old["test_set"] == new["test_set"] is not None
    assert (old["test_figures"], new["test_figures"]) == (
        {"study.roc_auc": ON_TEST_SET},
        {"study.roc_auc": 0.857},
    )
    assert (old["on_test_set"], old["patients"], old["how"]) == (
        False,
        82,
        "5-fold cross-validation by patient.",
    )
    assert (new["on_test_set"], new["patients"], new["test_patients"]) == (True, None, 12)


def test_after_a_rollback_both_still_say_what_they_were_measured_on(
    installation: Installation, admin: TestClient, champion: str, publish: Publish
) -> None:
    training, version = learn(installation, publish, 0.857, b"frozen")
    assert admin.post(f"/api/v1/trainings/{training}/approve").status_code == 200
    assert admin.post(f"{MODELS}/rollback", json={}).status_code == 200
    seen = admin.get(MODELS).json()
    assert (seen["champion"], seen["comparison"], seen["compared_patients"]) == (champion, [], None)
    by_name = {one["version"]: one["measured"]["test_figures"]["study.roc_auc"] for one in seen["versions"]}
    assert by_name == {champion: ON_TEST_SET, version: 0.857}


@pytest.mark.parametrize(
    ("metrics", "test_set"), [(figures(0.99, 0.99), b"other patients"), (figures(0.99), b"")]
)
def test_versions_of_other_patients_are_not_compared(
    admin: TestClient,
    registry: Registry,
    champion: str,
    publish: Publish,
    metrics: tuple[Metric, ...],
    test_set: bytes,
) -> None:
    publish("2.0.0", metrics, test_set, test_patients=30 if test_set else 0)
    registry.challenge("2.0.0")
    seen = admin.get(MODELS).json()
    assert (seen["challenger"], seen["comparison"], seen["compared_patients"]) == ("2.0.0", [], None)
    newest = seen["versions"][0]["measured"]
    assert newest["test_set"] != seen["versions"][1]["measured"]["test_set"]
    assert (newest["test_patients"], newest["on_test_set"]) == ((30, True) if test_set else (None, False))


def test_a_version_of_before_test_sets_were_named_shares_that_of_what_was_trained_on_it(
    installation: Installation, admin: TestClient, registry: Registry, publish: Publish
) -> None:
    publish("1.0.0", figures(CROSS_VALIDATED, ON_TEST_SET), test_patients=12)  # its run names no digest
    registry.promote("1.0.0")
    learn(installation, publish, 0.857, b"frozen")
    assert [one["challenger"]["value"] for one in admin.get(MODELS).json()["comparison"]] == [0.857]
