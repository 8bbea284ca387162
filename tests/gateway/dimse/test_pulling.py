"""Studies that are fetched from an archive by C-FIND and C-MOVE or C-GET."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pydicom
import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.archives import ServingArchive, serving_archive
from tests.canary import traces_in
from tests.gateway.analysis import Worker
from tests.gateway.dimse.conftest import let_in
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files
from tests.receivers import LOOPBACK, free_port

from gateway.auth.models import Scope
from gateway.dimse.completion import complete_quiet_studies, discard_overdue
from gateway.dimse.models import IncomingState, IncomingStudy
from gateway.dimse.server import DicomListener
from gateway.dimse.spool import Spool
from gateway.identity import IdentityCipher
from gateway.pulls.models import Pull, PullState
from gateway.pulls.runner import PullPolicy, PullRunner
from gateway.pulls.tasks import forget_ended_pulls, ring_pulls
from gateway.studies.models import Study
from ictus.domain.enums import Priority, Role

STUDIES = "/api/v1/studies"
SOURCES = "/api/v1/admin/sources"
ACCESSION = "ACC-0001"
"""Of ``dicom_files``."""


@pytest.fixture
def person(installation: Installation) -> Person:
    return installation.add_person(Role.ADMIN)


@pytest.fixture
def browser(person: Person) -> TestClient:
    return person.sign_in()


@pytest.fixture
def archive() -> Iterator[ServingArchive]:
    with serving_archive(*dicom_files(), picture_of_the_same_study()) as serving:
        yield serving


def picture_of_the_same_study() -> bytes:
    """A key image, which no model reads."""
    one = pydicom.dcmread(BytesIO(dicom_files()[0]))
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    one.Modality, one.SeriesInstanceUID = "OT", "1.2.826.0.1.3680043.8.498.77"
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.78"
    return written(one)


def written(instance: pydicom.Dataset) -> bytes:
    buffer = BytesIO()
    instance.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def study_uid() -> str:
    return str(pydicom.dcmread(BytesIO(dicom_files()[0])).StudyInstanceUID)


def add_source(browser: TestClient, archive: ServingArchive, **changes: Any) -> UUID:
    described = {
        "name": "PACS",
        "kind": "dimse",
        "host": LOOPBACK,
        "port": archive.port,
        "remote_name": "PACS",
        "retrieval": "get",
    }
    answer = browser.post(SOURCES, json=described | changes)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def ask(browser: TestClient, **wish: Any) -> dict[str, Any]:
    answer = browser.post(f"{STUDIES}/pull", json=wish)
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


def told(browser: TestClient, pull: dict[str, Any]) -> dict[str, Any]:
    answer = browser.get(f"{STUDIES}/pulls/{pull['id']}")
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def run(installation: Installation, **changes: Any) -> bool:
    """Run what is due once, as a ring does; keywords change numbers of the policy."""
    resources = installation.resources
    policy = replace(PullPolicy.of(resources.settings), **changes)
    return PullRunner(resources, policy, chance=lambda: 0.0).run_one()


def studies(installation: Installation) -> list[Study]:
    with installation.resources.sessions() as session:
        return list(session.scalars(select(Study).order_by(Study.received_at)))


def test_study_is_found_by_its_accession_number_and_moved_to_our_listener(
    installation: Installation,
    person: Person,
    browser: TestClient,
    listener: DicomListener,
    archive: ServingArchive,
) -> None:
    archive.destinations["ICTUS"] = listener.port
    peer = let_in(browser, person.site_id, "PACS")
    source = add_source(browser, archive, retrieval="move")
    pull = ask(browser, accession_number=ACCESSION, source_id=str(source), priority="STAT")
    assert (pull["state"], pull["study_id"], pull["expected"]) == ("queued", None, None)
    assert run(installation)
    said = told(browser, pull)
    assert (said["state"], said["instances"], said["expected"]) == ("running", 3, 3)
    assert said["fetched_at"] is not None
    assert archive.asked == ["C-FIND STUDY", "C-FIND SERIES", "C-MOVE SERIES"]

    assert complete_quiet_studies(installation.resources) == 1, "it need not be quiet: all of it is here"
    (study,) = studies(installation)
    assert (study.site_id, study.uploaded_by, study.priority) == (person.site_id, peer, Priority.STAT)
    said = told(browser, pull)
    assert (said["state"], said["study_id"], said["attempts"]) == ("done", str(study.id), 1)
    detail = browser.get(f"{STUDIES}/{study.id}").json()
    assert [one["slices"] for one in detail["series"]] == [3], "the key image stayed where it was"
    assert Worker.of(installation).must_claim().study_id == study.id
    trail = {row.action: row for row in installation.audit()}
    asked, received, done = (trail[action] for action in ("pull.request", "study.receive", "pull.done"))
    assert (asked.object_id, asked.actor_id) == (pull["id"], person.user_id)
    assert (received.object_id, received.actor_id) == (str(study.id), peer)
    assert (done.object_id, done.site_id) == (pull["id"], person.site_id)
    assert done.detail["study_id"] == str(study.id)


def test_study_is_fetched_over_the_same_association_from_an_archive_without_an_entry_for_us(
    installation: Installation, person: Person, browser: TestClient, archive: ServingArchive
) -> None:
    source = add_source(browser, archive)
    pull = ask(browser, study_instance_uid=study_uid())
    assert pull["source_id"] is None
    assert run(installation)
    assert not run(installation), "nothing else waits"
    assert told(browser, pull)["source_id"] == str(source)
    complete_quiet_studies(installation.resources)
    (study,) = studies(installation)
    assert study.uploaded_by == person.user_id, "whoever asked for it"
    assert told(browser, pull)["study_id"] == str(study.id)
    assert archive.asked == ["C-FIND STUDY", "C-FIND SERIES", "C-GET SERIES"]


def test_asked_twice_it_is_one_pull_and_fetched_again_the_study_that_is_there(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    first = ask(browser, accession_number=ACCESSION)
    again = ask(browser, accession_number=ACCESSION, priority="STAT")
    assert (again["id"], again["priority"]) == (first["id"], "STAT")
    run(installation)
    complete_quiet_studies(installation.resources)
    worker = Worker.of(installation)
    worker.complete(worker.must_claim())
    later = ask(browser, accession_number=ACCESSION)
    assert later["id"] != first["id"]
    run(installation)
    complete_quiet_studies(installation.resources)
    assert told(browser, later)["study_id"] == told(browser, first)["study_id"]
    assert len(studies(installation)) == 1
    assert worker.claim() is None, "what is here has been analysed"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"accession_number": "ACC-9999"}, "not_in_archive"),
        ({"study_instance_uid": "1.2.3.4"}, "not_in_archive"),
        ({"accession_number": "TWICE"}, "several_studies"),
        ({"accession_number": "NO-CT"}, "nothing_to_analyse"),
    ],
)
def test_what_cannot_be_fetched_fails_at_once_and_says_why(
    installation: Installation, browser: TestClient, archive: ServingArchive, wish: dict[str, str], code: str
) -> None:
    for number, accession, modality in ((1, "TWICE", "CT"), (2, "TWICE", "CT"), (3, "NO-CT", "DX")):
        other = pydicom.dcmread(BytesIO(dicom_files(seed=number)[0]))
        other.AccessionNumber, other.Modality = accession, modality
        other.StudyInstanceUID = f"1.2.826.0.1.3680043.8.498.{number}"
        archive.hold(written(other))
    archive.ignored_keys = {"AccessionNumber"}  # some archives answer with everything that they have
    add_source(browser, archive)
    pull = ask(browser, **wish)
    run(installation)
    said = told(browser, pull)
    assert (said["state"], said["code"]) == ("failed", code)
    assert said["reason"].endswith(".")
    assert said["finished_at"] is not None
    failure = installation.audit()[-2]
    assert (failure.action, failure.code) == ("pull.failed", code)
    assert not list(Spool(installation.resources).root.rglob("*.dcm"))


def test_archive_that_does_not_know_us_is_not_asked_again(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive, retrieval="move", move_destination="ICTUS2")
    pull = ask(browser, accession_number=ACCESSION)
    run(installation)
    said = told(browser, pull)
    assert (said["state"], said["code"]) == ("failed", "destination_refused")
    assert "ICTUS2" in said["reason"]


def test_silent_archive_is_asked_again_with_growing_waits_and_given_up(
    installation: Installation, person: Person, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    archive.stop()
    pull = ask(browser, accession_number=ACCESSION)
    waits = []
    for _ in range(3):
        assert run(installation)
        assert not run(installation)
        said = told(browser, pull)
        assert (said["state"], said["reason"]) == ("queued", "The archive does not answer.")
        next_at = datetime.fromisoformat(said["next_attempt_at"])
        waits.append((next_at - installation.clock()).total_seconds())
        installation.clock.advance(seconds=waits[-1])
    assert waits == [5, 10, 20]
    archive.start()
    assert run(installation)
    assert told(browser, pull)["attempts"] == 4
    assert told(browser, pull)["fetched_at"] is not None

    archive.stop()
    hopeless = ask(browser, study_instance_uid="1.2.3")
    installation.clock.advance(minutes=61)
    assert run(installation)
    said = told(person.sign_in(), hopeless)
    assert (said["state"], said["reason"]) == ("failed", "The archive does not answer.")
    assert forget_ended_pulls(installation.resources) == 0
    installation.clock.advance(hours=31 * 24)
    assert forget_ended_pulls(installation.resources) == 1


def test_study_of_which_images_are_missing_is_not_read(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    archive.lost = 1
    pull = ask(browser, accession_number=ACCESSION)
    run(installation)
    said = told(browser, pull)
    assert (said["state"], said["reason"]) == (
        "queued",
        "The archive could not send 1 of 3 images of a series.",
    )
    assert complete_quiet_studies(installation.resources) == 0
    installation.clock.advance(seconds=5)
    run(installation)
    assert complete_quiet_studies(installation.resources) == 1
    assert told(browser, pull)["state"] == "done"


def test_images_that_the_archive_sent_elsewhere_are_missed(
    installation: Installation,
    browser: TestClient,
    listener: DicomListener,
    archive: ServingArchive,
) -> None:
    archive.destinations["ICTUS"] = listener.port
    let_in(browser, installation.add_site(), "PACS")  # its studies belong to another site
    add_source(browser, archive, retrieval="move")
    pull = ask(browser, accession_number=ACCESSION)
    run(installation)
    said = told(browser, pull)
    assert (said["state"], said["code"]) == ("queued", "not_arrived")
    assert "3 images, and 0 are here" in said["reason"]


def test_one_archive_that_is_silent_keeps_no_other_from_being_asked(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive, name="A silent one", port=free_port())
    add_source(browser, archive, name="B", enabled=False)
    found = add_source(browser, archive, name="C")
    here = ask(browser, accession_number=ACCESSION)
    nowhere = ask(browser, accession_number="ACC-9999")
    run(installation)
    run(installation)
    assert told(browser, here)["source_id"] == str(found)
    assert told(browser, nowhere)["state"] == "queued", "the silent one may have it"


def test_study_is_kept_open_while_it_is_fetched_however_quiet_it_is(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    ask(browser, accession_number=ACCESSION)
    run(installation)
    with installation.resources.sessions.begin() as session:  # as if the last image were still to come
        pull = session.scalars(select(Pull)).one()
        pull.fetched_at = pull.incoming_id = None
        pull.lease_expires_at = installation.clock() + timedelta(seconds=60)
        session.scalars(select(IncomingStudy)).one().state = IncomingState.RECEIVING
    installation.clock.advance(seconds=50)
    assert complete_quiet_studies(installation.resources) == 0
    installation.clock.advance(seconds=10)
    assert complete_quiet_studies(installation.resources) == 1, "its runner is gone"
    assert run(installation), "and somebody else takes the pull up"


def test_refusal_of_the_images_is_the_end_of_the_pull_until_an_administrator_tries_again(
    installation: Installation, browser: TestClient
) -> None:
    flat = pydicom.dcmread(BytesIO(dicom_files()[0]))
    flat.PixelData = b"\0" * len(flat.PixelData)
    with serving_archive(written(flat)) as archive:
        add_source(browser, archive)
        pull = ask(browser, accession_number=ACCESSION)
        run(installation)
    complete_quiet_studies(installation.resources)
    said = told(browser, pull)
    assert (said["state"], said["code"]) == ("failed", "invalid_values")
    installation.clock.advance(hours=73)
    assert discard_overdue(installation.resources) == 1


def test_pulls_run_at_once_no_more_than_is_allowed_and_the_urgent_one_first(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    routine = ask(browser, study_instance_uid="1.2.3")
    urgent = ask(browser, accession_number=ACCESSION, priority="STAT")
    assert not run(installation, at_once=0)
    assert ring_pulls(installation.resources) == 2
    run(installation)
    assert [told(browser, one)["state"] for one in (routine, urgent)] == ["queued", "running"]


def test_pulls_belong_to_a_site_and_need_permission(
    installation: Installation, person: Person, browser: TestClient, archive: ServingArchive
) -> None:
    source = add_source(browser, archive)
    pull = ask(browser, accession_number=ACCESSION)
    assert [one["id"] for one in browser.get(f"{STUDIES}/pulls").json()["items"]] == [pull["id"]]
    assert browser.get(f"{STUDIES}/pulls", params={"state": "done"}).json()["items"] == []

    stranger = installation.add_person(Role.ADMIN).sign_in()
    assert stranger.get(f"{STUDIES}/pulls").json()["items"] == []
    assert stranger.get(f"{STUDIES}/pulls/{pull['id']}").status_code == 404
    assert stranger.get(f"{STUDIES}/pulls/{uuid4()}").status_code == 404
    assert stranger.get(SOURCES).json() == []
    address = f"{SOURCES}/{source}"
    described = {"name": "X", "kind": "dicomweb", "url": "http://example.org"}
    assert stranger.put(address, json=described).status_code == 404
    assert stranger.post(f"{address}/test").status_code == 404
    assert stranger.delete(address).status_code == 404
    wish = {"accession_number": ACCESSION, "source_id": str(source)}
    refused = stranger.post(f"{STUDIES}/pull", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (404, "source_not_found")
    refused = stranger.post(f"{STUDIES}/pull", json={"accession_number": ACCESSION})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_source")

    reader = installation.add_api_client(Scope.STUDIES_READ, site_id=person.site_id)
    assert reader.get(f"{STUDIES}/pulls/{pull['id']}").status_code == 200
    assert reader.post(f"{STUDIES}/pull", json={"accession_number": ACCESSION}).status_code == 403
    writer = installation.add_api_client(Scope.STUDIES_WRITE, site_id=person.site_id)
    assert ask(writer, accession_number=ACCESSION)["id"] == pull["id"]
    assert installation.add_person(Role.CLINICIAN, person.site_id).sign_in().get(SOURCES).status_code == 403


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"accession_number": "A", "study_instance_uid": "1.2"},
        {"accession_number": "ACC*"},
        {"accession_number": "?"},
        {"accession_number": "a\\b"},
        {"study_instance_uid": "1.2.*"},
        {"study_instance_uid": "../x"},
        {"accession_number": "A", "patient_name": "X"},
    ],
)
def test_wish_must_name_one_study(browser: TestClient, wish: dict[str, str]) -> None:
    answer = browser.post(f"{STUDIES}/pull", json=wish)
    assert answer.status_code == 422


def test_what_is_kept_of_a_pull_names_nobody(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    ask(browser, accession_number=ACCESSION)
    run(installation)
    complete_quiet_studies(installation.resources)
    with installation.resources.sessions() as session:
        row = session.scalars(select(Pull)).one()
        kept = {column.key: getattr(row, column.key) for column in Pull.__table__.columns}
    told_by_audit = [(row.object_id, row.detail) for row in installation.audit()]
    everything = (repr(kept) + repr(told_by_audit)).encode()
    for secret in (ACCESSION, study_uid(), "CANARY"):
        assert secret.encode() not in everything
    assert not traces_in(everything, b"canary")


def test_sources_are_entered_changed_tested_and_removed(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    source = add_source(browser, archive, secret="a secret of this archive")
    (listed,) = browser.get(SOURCES).json()
    assert (listed["id"], listed["has_secret"]) == (str(source), True)
    assert "a secret" not in str(listed)
    reached = browser.post(f"{SOURCES}/{source}/test").json()
    assert reached == {"reached": True, "detail": "C-ECHO 0000"}
    described = {name: listed[name] for name in ("name", "kind", "host", "remote_name", "retrieval")}
    changed = browser.put(f"{SOURCES}/{source}", json=described | {"port": free_port()}).json()
    assert changed["has_secret"], "it stays unless another one is given"
    assert browser.post(f"{SOURCES}/{source}/test").json()["reached"] is False
    for missing in ({"kind": "dimse", "host": LOOPBACK}, {"kind": "dicomweb", "host": LOOPBACK, "port": 1}):
        assert browser.post(SOURCES, json={"name": "X"} | missing).status_code == 422

    pull = ask(browser, accession_number=ACCESSION, source_id=str(source))
    assert browser.delete(f"{SOURCES}/{source}").status_code == 204
    said = told(browser, pull)
    assert (said["state"], said["code"], said["source_id"]) == ("failed", "source_removed", None)
    assert browser.get(SOURCES).json() == []


def test_pull_ends_with_the_study_that_is_erased(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    pull = ask(browser, accession_number=ACCESSION)
    run(installation)
    complete_quiet_studies(installation.resources)
    study = told(browser, pull)["study_id"]
    assert browser.delete(f"{STUDIES}/{study}", params={"reason": "test_data"}).status_code == 204
    assert browser.get(f"{STUDIES}/pulls/{pull['id']}").status_code == 404


def test_pull_that_no_key_opens_keeps_no_other_one_waiting(
    installation: Installation, browser: TestClient, archive: ServingArchive
) -> None:
    add_source(browser, archive)
    lost = ask(browser, study_instance_uid="1.2.3", priority="STAT")
    other_key = IdentityCipher([Fernet.generate_key().decode()])
    with installation.resources.sessions.begin() as session:
        session.get_one(Pull, UUID(lost["id"])).wanted = other_key.encrypt("{}")
    pull = ask(browser, accession_number=ACCESSION)
    assert not run(installation)
    assert run(installation)
    assert told(browser, pull)["fetched_at"] is not None
    with installation.resources.sessions() as session:
        failed = session.get_one(Pull, UUID(lost["id"]))
        assert (failed.state, failed.code) == (PullState.FAILED, "identity_unreadable")
