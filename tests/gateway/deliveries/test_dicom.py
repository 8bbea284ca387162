"""Objects to archives, by C-STORE and by STOW-RS."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from tests.gateway.answers import answered, decide
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, picture
from tests.receivers import Archive, HttpReceiver

from gateway.deliveries.models import DeliveryState, DestinationKind
from ictus.domain.enums import Finding

from .conftest import Site

STORE, STOW = DestinationKind.DICOM_STORE, DestinationKind.STOW


def test_an_archive_gets_every_kind_of_object_and_its_answer_is_the_proof(
    installation: Installation, browser: TestClient, site: Site, archive: Archive
) -> None:
    pacs = site.add(STORE, port=archive.port)
    study_id, _ = answered(installation, browser, *dicom_files())
    assert site.run(pacs) == 1
    (delivery,) = site.deliveries(pacs)
    assert (delivery.state, delivery.proof) == (
        DeliveryState.DELIVERED,
        "C-STORE SR 0000, OT 0000, OT 0000, DOC 0000",
    )
    assert sorted(one.Modality for one in archive.objects.values()) == ["DOC", "OT", "OT", "SR"]
    assert {str(one.PatientName) for one in archive.objects.values()} == {"Canary^Identity"}
    row = installation.audit()[-1]
    assert (row.action, row.object_id) == ("delivery.delivered", str(delivery.id))
    assert row.detail["study_id"] == study_id


def test_sent_again_it_is_the_same_objects(
    installation: Installation, browser: TestClient, site: Site, archive: Archive
) -> None:
    pacs = site.add(STORE, port=archive.port)
    answered(installation, browser, *dicom_files())
    archive.answers = [0x0000, 0xA700]  # it is full behind the first object
    assert site.run(pacs) == 0
    assert site.deliveries(pacs)[0].state is DeliveryState.RETRYING
    installation.clock.advance(seconds=5)
    assert site.run(pacs) == 1
    assert len(archive.objects) == 4
    assert sorted(archive.stored.values()) == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("status", "state"),
    [(0xA701, DeliveryState.RETRYING), (0xA900, DeliveryState.DEAD), (0xC000, DeliveryState.DEAD)],
)
def test_what_an_archive_does_not_store_is_not_delivered(
    installation: Installation,
    browser: TestClient,
    site: Site,
    archive: Archive,
    status: int,
    state: DeliveryState,
) -> None:
    pacs = site.add(STORE, port=archive.port)
    answered(installation, browser, *dicom_files())
    archive.answers = [status]
    assert site.run(pacs) == 0
    (delivery,) = site.deliveries(pacs)
    assert (delivery.state, delivery.proof, delivery.delivered_at) == (state, None, None)
    assert f"{status:04X}" in (delivery.last_error or "")


def test_an_archive_that_is_away_gets_everything_once_when_it_is_back(
    installation: Installation, browser: TestClient, site: Site, archive: Archive, server: HttpReceiver
) -> None:
    pacs = site.add(STORE, port=archive.port)
    stow = site.add(STOW, url=server.url)
    archive.stop()
    for seed in range(3):
        answered(installation, browser, *dicom_files(seed))
    assert site.run(pacs) == 0
    assert site.run(pacs) == 0  # it is left alone for now
    assert [one.attempts for one in site.deliveries(pacs)] == [1, 0, 0]
    assert site.destination(pacs).failures == 1
    assert site.run(stow) == 3  # another destination is not kept waiting
    installation.clock.advance(seconds=5)
    assert site.run(pacs) == 0
    assert site.destination(pacs).retry_at == installation.clock() + timedelta(seconds=10)
    archive.start()
    installation.clock.advance(seconds=10)
    assert site.run(pacs) == 3
    assert site.destination(pacs).failures == 0
    assert set(archive.stored.values()) == {1}
    assert len(archive.objects) == 12


def test_a_verdict_is_sent_with_its_status_and_takes_the_place_of_what_was_not_sent_yet(
    installation: Installation, browser: TestClient, clinician: Person, site: Site, archive: Archive
) -> None:
    pacs = site.add(STORE, port=archive.port, content=["sr"])
    first, _ = answered(installation, browser, *dicom_files())
    assert site.run(pacs) == 1
    installation.clock.advance(seconds=1)
    second, _ = answered(installation, browser, *dicom_files(1))
    for study_id, finding in ((first, Finding.STROKE), (second, Finding.NORMAL)):
        installation.clock.advance(seconds=1)
        decide(installation, clinician.site_id, study_id, finding)
    assert site.run(pacs) == 2
    states = [(str(one.study_id), one.status, one.state) for one in site.deliveries(pacs)]
    assert states == [
        (first, "preliminary", "delivered"),
        (second, "preliminary", "skipped"),
        (first, "final", "delivered"),
        (second, "corrected", "delivered"),
    ]
    flags = sorted(one.VerificationFlag for one in archive.objects.values())
    assert flags == ["UNVERIFIED", "VERIFIED", "VERIFIED"]


def test_an_erased_study_is_not_delivered(
    installation: Installation, browser: TestClient, site: Site, archive: Archive, clinician: Person
) -> None:
    from ictus.domain.enums import Role

    pacs = site.add(STORE, port=archive.port)
    study_id, _ = answered(installation, browser, *dicom_files())
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    erased = admin.delete(f"/api/v1/studies/{study_id}", params={"reason": "patient_request"})
    assert erased.status_code == 204, erased.text
    assert site.run(pacs) == 0
    assert (site.deliveries(pacs), archive.objects) == ([], {})


def test_a_picture_has_no_study_in_an_archive_and_the_delivery_says_so(
    installation: Installation, browser: TestClient, site: Site, archive: Archive
) -> None:
    pacs = site.add(STORE, port=archive.port)
    answered(installation, browser, picture(), modality="CT")
    assert site.run(pacs) == 0
    (delivery,) = site.deliveries(pacs)
    assert delivery.state is DeliveryState.SKIPPED
    assert "did not come as DICOM" in (delivery.last_error or "")


def test_stow_is_proven_by_what_the_response_names(
    installation: Installation, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    stow = site.add(STOW, "a token", url=f"{server.url}/dicom-web/")
    answered(installation, browser, *dicom_files())
    assert site.run(stow) == 1
    assert site.deliveries(stow)[0].proof == "STOW 200, 4 stored"
    (request,) = server.requests
    assert (request.path, request.headers["authorization"]) == ("/dicom-web/studies", "Bearer a token")
    assert len(server.objects) == 4


def test_stow_of_which_a_part_failed_is_not_delivered(
    installation: Installation, browser: TestClient, site: Site, server: HttpReceiver
) -> None:
    stow = site.add(STOW, url=server.url)
    answered(installation, browser, *dicom_files())
    server.refuses_modalities = {"DOC"}
    assert site.run(stow) == 0
    (delivery,) = site.deliveries(stow)
    assert delivery.state is DeliveryState.DEAD
    assert delivery.last_error == "The archive stored 3 of 4 objects (failure reasons: 0122)."


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (503, DeliveryState.RETRYING),
        (429, DeliveryState.RETRYING),
        (401, DeliveryState.DEAD),
        (302, DeliveryState.DEAD),
    ],
)
def test_any_other_answer_to_stow_delivers_nothing(
    installation: Installation,
    browser: TestClient,
    site: Site,
    server: HttpReceiver,
    status: int,
    state: DeliveryState,
) -> None:
    stow = site.add(STOW, url=server.url)
    answered(installation, browser, *dicom_files())
    server.statuses = [status]
    assert site.run(stow) == 0
    assert site.deliveries(stow)[0].state is state
    assert len(server.requests) == 1  # redirects are not followed
