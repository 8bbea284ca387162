"""Webhooks that tell of a likely stroke that nobody has taken on."""

import json

import pytest
from fastapi.testclient import TestClient
from tests.gateway.answers import answered
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files
from tests.receivers import HttpReceiver

from gateway.deliveries.models import DeliveryState, DestinationKind
from gateway.deliveries.webhook import new_webhook_secret
from gateway.triage.sweep import escalate_alerts
from ictus.domain.enums import Role

from .conftest import Site

WEBHOOK = DestinationKind.WEBHOOK


def told(server: HttpReceiver) -> list[str]:
    return [json.loads(request.body)["type"] for request in server.requests]


def test_escalation_is_told_once_to_webhooks_that_want_it(
    installation: Installation, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    url = f"{server.url}/hook"
    both = site.add(WEBHOOK, new_webhook_secret(), url=url, statuses=["preliminary", "escalated"])
    results = site.add(WEBHOOK, new_webhook_secret(), url=url, statuses=["preliminary"])
    study_id, _ = answered(installation, browser, *dicom_files())
    assert site.run(both) == site.run(results) == 1
    installation.clock.advance(minutes=9)
    assert escalate_alerts(installation.resources) == 0
    installation.clock.advance(minutes=1)
    assert escalate_alerts(installation.resources) == 1
    assert escalate_alerts(installation.resources) == 0
    assert (site.run(both), site.run(both), site.run(results)) == (1, 0, 0)
    assert told(server) == ["result.preliminary", "result.preliminary", "alert.escalated"]
    said = json.loads(server.requests[-1].body)
    assert said["data"] == json.loads(server.requests[0].body)["data"] | {"status": "escalated"}
    assert said["data"]["study_id"] == study_id
    first, last = (request.headers["webhook-id"] for request in server.requests[::2])
    assert first != last
    for canary in (b"Canary", b"CANARY", b"haemorrhage", b"stroke"):
        assert canary not in server.requests[-1].body


def test_alert_that_has_been_taken_on_meanwhile_is_not_told(
    installation: Installation, clinician: Person, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    hook = site.add(WEBHOOK, new_webhook_secret(), url=f"{server.url}/hook", statuses=["escalated"])
    study_id, _ = answered(installation, browser, *dicom_files())
    installation.clock.advance(minutes=10)
    escalate_alerts(installation.resources)
    colleague = installation.add_person(Role.RADIOLOGIST, clinician.site_id).sign_in()
    assert colleague.post(f"/api/v1/studies/{study_id}/acknowledge").status_code == 200
    assert site.run(hook) == 0
    (delivery,) = site.deliveries(hook)
    assert (delivery.state, delivery.last_error) == (DeliveryState.SKIPPED, "The alert has been taken on.")
    assert not server.requests


@pytest.mark.parametrize(("kind", "status"), [("webhook", 201), ("stow", 422), ("dicom_store", 422)])
def test_only_webhooks_can_be_told_of_alerts(installation: Installation, kind: str, status: int) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    described = {"name": "X", "kind": kind, "url": "http://example.org", "host": "h", "port": 1}
    wish = described | {"statuses": ["final", "escalated"]}
    entered = admin.post("/api/v1/admin/destinations", json=wish)
    assert entered.status_code == status
    if status == 201:
        assert entered.json()["destination"]["statuses"] == ["final", "escalated"]
    plain = admin.post("/api/v1/admin/destinations", json=described)
    assert plain.json()["destination"]["statuses"] == ["preliminary", "final", "corrected"]
