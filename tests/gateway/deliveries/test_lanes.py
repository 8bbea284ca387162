"""The outbox: leases, giving up, dead letters, webhooks."""

import json
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.gateway.answers import answered
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, picture
from tests.receivers import HttpReceiver, free_port

from gateway.deliveries.models import DeliveryState, DestinationKind
from gateway.deliveries.service import Lane, due_lanes
from gateway.deliveries.webhook import is_webhook_secret, new_webhook_secret, signature
from gateway.outgoing import Backoff
from ictus.domain.enums import Role

from .conftest import Site

WEBHOOK = DestinationKind.WEBHOOK


@pytest.fixture
def hook(site: Site, server: HttpReceiver) -> UUID:
    return site.add(WEBHOOK, new_webhook_secret(), url=f"{server.url}/hook")


def test_a_webhook_is_signed_and_says_nothing_of_the_patient(
    installation: Installation, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    secret = new_webhook_secret()
    hook = site.add(WEBHOOK, secret, url=f"{server.url}/hook")
    study_id, _ = answered(installation, browser, *dicom_files())
    assert site.run(hook) == 1
    (request,) = server.requests
    headers = request.headers
    signed = signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), request.body)
    assert headers["webhook-signature"] == signed
    assert headers["idempotency-key"] == headers["webhook-id"]
    said = json.loads(request.body)
    assert (said["type"], set(said["data"])) == (
        "result.preliminary",
        {"study_id", "job_id", "status", "links"},
    )
    assert said["data"]["study_id"] == study_id
    for canary in (b"Canary", b"CANARY", b"haemorrhage", b"stroke"):
        assert canary not in request.body


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the specification's reference implementation.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert (
        signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
    assert is_webhook_secret(secret)
    assert not is_webhook_secret("whsec_c2hvcnQ=")
    assert not is_webhook_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_a_picture_that_no_archive_gets_is_told_of_by_webhook(
    installation: Installation, browser: TestClient, site: Site, hook: UUID
) -> None:
    answered(installation, browser, picture(), modality="CT")
    assert site.run(hook) == 1


def test_a_sender_that_died_is_replaced_when_its_lease_has_run_out_and_its_answer_is_not_taken(
    installation: Installation, browser: TestClient, site: Site, hook: UUID, server: HttpReceiver
) -> None:
    answered(installation, browser, *dicom_files())
    dead = Lane(installation.resources, hook)
    with installation.resources.sessions.begin() as session:
        claim = dead._claim(session)
    assert claim is not None
    assert site.run(hook) == 0
    with installation.resources.sessions() as session:
        assert due_lanes(session, installation.clock(), 10) == []
    installation.clock.advance(seconds=installation.resources.settings.delivery_lease_seconds)
    with installation.resources.sessions() as session:
        assert due_lanes(session, installation.clock(), 10) == [hook]
    assert site.run(hook) == 1
    assert dead._settle(claim, DeliveryState.DEAD, error="too late") is False
    assert site.deliveries(hook)[0].state is DeliveryState.DELIVERED


def test_what_cannot_be_delivered_for_days_is_a_dead_letter_that_an_administrator_sends_again(
    installation: Installation,
    browser: TestClient,
    clinician: Person,
    site: Site,
    hook: UUID,
    server: HttpReceiver,
) -> None:
    for seed in range(2):
        answered(installation, browser, *dicom_files(seed))
    server.statuses = [503, 503]
    assert site.run(hook) == 0
    installation.clock.advance(hours=installation.resources.settings.delivery_give_up_hours)
    assert site.run(hook) == 0
    assert [one.state for one in site.deliveries(hook)] == [DeliveryState.DEAD] * 2
    installation.clock.advance(hours=1)
    assert site.run(hook) == 0
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    listed = admin.get("/api/v1/admin/deliveries", params={"state": "dead"}).json()["items"]
    assert [one["destination_name"] for one in listed] == ["webhook", "webhook"]
    again = admin.post(f"/api/v1/admin/deliveries/{listed[0]['id']}/resend")
    assert (again.status_code, again.json()["state"]) == (200, "queued")
    assert admin.post(f"/api/v1/admin/deliveries/{listed[0]['id']}/resend").json()["code"] == "delivery_open"
    assert site.run(hook) == 1
    stranger = installation.add_person(Role.ADMIN).sign_in()
    assert stranger.post(f"/api/v1/admin/deliveries/{listed[1]['id']}/resend").status_code == 404
    assert stranger.get("/api/v1/admin/deliveries").json()["items"] == []


def test_a_disabled_destination_gets_nothing_until_it_is_enabled(
    installation: Installation, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    off = site.add(WEBHOOK, new_webhook_secret(), url=server.url, enabled=False)
    answered(installation, browser, *dicom_files())
    assert (site.run(off), site.deliveries(off)) == (0, [])


def test_waits_double_up_to_a_limit_and_spread_out() -> None:
    from datetime import timedelta

    backoff = Backoff(timedelta(seconds=5), timedelta(minutes=15), jitter=0.2)
    assert [backoff.after(n).total_seconds() for n in (1, 2, 3, 8, 9, 1000)] == [5, 10, 20, 640, 900, 900]
    assert backoff.after(1, lambda: 1.0).total_seconds() == 4


def test_destinations_belong_to_a_site_and_their_secrets_are_never_shown(
    installation: Installation, server: HttpReceiver, clinician: Person
) -> None:
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    draft = {"name": "EHR", "kind": "webhook", "url": f"{server.url}/hook/with-a-token"}
    made = admin.post("/api/v1/admin/destinations", json=draft)
    assert made.status_code == 201, made.text
    row = installation.audit()[-1]
    assert (row.action, row.detail["host"]) == ("destination.create", "127.0.0.1")
    assert "with-a-token" not in str(row.detail)
    secret, entered = made.json()["webhook_secret"], made.json()["destination"]
    assert is_webhook_secret(secret)
    address = f"/api/v1/admin/destinations/{entered['id']}"
    assert admin.post(f"{address}/test").json() == {"reached": True, "detail": "HTTP 200"}
    assert json.loads(server.requests[0].body)["type"] == "test"
    changed = admin.put(address, json={**draft, "name": "EHR 2", "enabled": False})
    assert (changed.json()["name"], changed.json()["has_secret"]) == ("EHR 2", True)
    listed = admin.get("/api/v1/admin/destinations")
    assert secret not in listed.text
    assert [one["name"] for one in listed.json()] == ["EHR 2"]
    stranger = installation.add_person(Role.ADMIN).sign_in()
    assert stranger.get("/api/v1/admin/destinations").json() == []
    for method, path in (("PUT", address), ("DELETE", address), ("POST", f"{address}/test")):
        assert stranger.request(method, path, json=draft).status_code == 404
    assert clinician.sign_in().get("/api/v1/admin/destinations").status_code == 403
    assert admin.delete(address).status_code == 204
    assert admin.get("/api/v1/admin/destinations").json() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "dicom_store", "host": "pacs"},
        {"kind": "stow"},
        {"kind": "stow", "url": "ftp://pacs/x"},
        {"kind": "webhook", "url": "https://user:pass@ehr/x"},
        {"kind": "webhook", "url": "https://ehr/x", "secret": "short"},
        {"kind": "dicom_store", "host": "pacs", "port": 104, "content": []},
        {"kind": "dicom_store", "host": "pacs", "port": 104, "remote_name": "BACK\\SLASH"},
        {"kind": "stow", "url": "https://pacs/x", "statuses": []},
    ],
)
def test_a_destination_that_cannot_work_is_refused(
    installation: Installation, wrong: dict[str, object]
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    assert admin.post("/api/v1/admin/destinations", json={"name": "x", **wrong}).status_code == 422


def test_a_test_says_why_a_destination_cannot_be_reached(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    for kind in ("dicom_store", "hl7_mllp"):
        draft = {"name": kind, "kind": kind, "host": "127.0.0.1", "port": free_port()}
        made = admin.post("/api/v1/admin/destinations", json=draft).json()["destination"]
        tested = admin.post(f"/api/v1/admin/destinations/{made['id']}/test").json()
        assert tested["reached"] is False
        assert "does not answer" in tested["detail"]
