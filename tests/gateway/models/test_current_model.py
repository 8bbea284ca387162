"""The model in use, asked of a real registry."""

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.gateway.installation import Installation

from gateway.app import create_app
from gateway.auth.models import Scope
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role
from ictus.model.manifest import Metric
from ictus.registry import Registry

CURRENT = "/api/v1/models/current"


def test_everybody_reads_the_model_in_use(
    installation: Installation,
    registry: Registry,
    model_directory: Path,
    describe_again: Callable[..., None],
    sign_model: Callable[[Path], Path],
) -> None:
    metric = Metric(name="roc_auc", level="study", value=0.81, low=0.7, high=0.89)
    describe_again(model_directory, metrics=(metric,))
    registry.promote(registry.publish(sign_model(model_directory)))
    for role in (Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN):
        answer = installation.add_person(role).sign_in().get(CURRENT)
        assert answer.status_code == 200, answer.text
    model = answer.json()
    assert (model["version"], model["looked_for"]) == ("1.0.0", "intracranial haemorrhage")
    assert model["validated_for"] == "Validated for haemorrhage on head CT."
    assert model["classes"][1] == {"name": "stroke", "finding": "stroke"}
    assert model["metrics"] == [metric.model_dump()]
    assert model["thresholds"]["study"] == {"normal_at_most": 0.2, "stroke_at_least": 0.7}
    assert model["limits"]["modalities"] == ["CT"]
    assert model["limits"]["stroke_error_rate"] == 0.05
    assert {"name": "ROC-AUC", "value": "0.81, 95 % interval 0.70 to 0.89 (studies)"} in model["facts"]

    event = installation.audit()[-1]
    assert (event.action, event.object_id) == ("model.read", "1.0.0")
    assert installation.add_api_client(Scope.STUDIES_READ).get(CURRENT).status_code == 200


def test_a_promotion_shows_before_long(
    installation: Installation,
    registry: Registry,
    model_directory: Path,
    describe_again: Callable[..., None],
    sign_model: Callable[[Path], Path],
) -> None:
    browser = installation.add_person(Role.CLINICIAN).sign_in()
    none = browser.get(CURRENT)
    assert (none.status_code, none.json()["code"]) == (404, "no_model")
    registry.promote(registry.publish(sign_model(model_directory)))
    installation.clock.advance(seconds=15)
    assert browser.get(CURRENT).json()["version"] == "1.0.0"
    describe_again(model_directory, version="1.1.0")
    registry.promote(registry.publish(sign_model(model_directory)))
    installation.clock.advance(seconds=15)
    assert browser.get(CURRENT).json()["version"] == "1.1.0"


def test_registry_that_is_away_is_said_to_be_away(
    installation: Installation, make_settings: Callable[..., GatewaySettings]
) -> None:
    person = installation.add_person(Role.CLINICIAN)
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"
        app = create_app(make_settings(mlflow_url=address), clock=installation.clock)
        answer = replace(person, app=app).sign_in().get(CURRENT)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "registry" in answer.json()["detail"]
    app.state.resources.close()
