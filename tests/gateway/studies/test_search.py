"""Finding a patient's study: the text is compared with what is sealed, and written down nowhere."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.gateway.analysis import add_study
from tests.gateway.installation import Installation, Person

from gateway.auth.models import Scope
from gateway.studies.models import Study
from gateway.studies.sealing import seal
from ictus.domain.enums import Priority
from ictus.imaging.intake import PatientIdentity
from ictus.telemetry import configure_logging

AddPatient = Callable[..., str]

SEARCH = "/api/v1/studies/search"


@pytest.fixture
def add_patient(installation: Installation, clinician: Person) -> AddPatient:
    """Adds a study of a person at the clinician's site; its id."""

    def add(name: str, patient_id: str, accession_number: str | None = None, **options: Any) -> str:
        study_id = add_study(installation, clinician.site_id, **options)
        identity = PatientIdentity(
            patient_name=name, patient_id=patient_id, accession_number=accession_number
        )
        with installation.resources.sessions.begin() as session:
            session.add(seal(installation.resources.cipher, study_id, identity))
        installation.clock.advance(seconds=1)
        return str(study_id)

    return add


def found(browser: TestClient, text: str, **query: Any) -> list[str]:
    """What a search finds, on all its pages."""
    ids: list[str] = []
    cursor = None
    while True:
        answer = browser.post(SEARCH, json={"text": text, **query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        ids += [item["id"] for item in answer.json()["items"]]
        if not (cursor := answer.json()["next_cursor"]):
            return ids


def test_studies_are_found_by_name_id_accession_number_and_study_id(
    installation: Installation, clinician: Person, browser: TestClient, add_patient: AddPatient
) -> None:
    jane = add_patient("Quux^Jane^Marie", "P-4711", "ACC-0815")
    taro = add_patient("Yamada^Tarou=山田^太郎", "P-4712")
    strange = str(add_study(installation, clinician.site_id))
    assert found(browser, "quux") == [jane]
    assert found(browser, "JANE quux") == [jane]
    assert found(browser, "Quux^Jane") == [jane]
    assert found(browser, "acc-08") == [jane]
    assert found(browser, "p-471") == [taro, jane]
    assert found(browser, "山田 tarou") == [taro]
    assert found(browser, strange[:13]) == [strange]
    assert found(browser, "quux tarou") == []


def test_search_heeds_the_worklists_filters_and_order(browser: TestClient, add_patient: AddPatient) -> None:
    routine = add_patient("Quux^Jane", "1")
    stat = add_patient("Quux^Jim", "2", priority=Priority.STAT)
    newest = add_patient("Quux^Joan", "3")
    assert found(browser, "quux") == [stat, newest, routine]
    assert found(browser, "quux", sort="received") == [newest, stat, routine]
    assert found(browser, "quux", priority=["STAT"]) == [stat]
    assert found(browser, "quux", state=["failed"]) == []
    assert found(browser, "quux", limit=1) == [stat, newest, routine]


def test_search_ends_at_the_site_and_at_the_scope(
    installation: Installation, browser: TestClient, stranger: TestClient, add_patient: AddPatient
) -> None:
    add_patient("Quux^Jane", "1")
    assert found(stranger, "quux") == []
    writer = installation.add_api_client(Scope.STUDIES_WRITE)
    assert writer.post(SEARCH, json={"text": "quux"}).status_code == 403
    assert installation.browser().post(SEARCH, json={"text": "quux"}).status_code == 401


def test_one_page_opens_so_many_identities_and_the_next_goes_on_behind_them(
    installation: Installation, browser: TestClient, add_patient: AddPatient, clinician: Person, db: Session
) -> None:
    jane = add_patient("Quux^Jane", "1")
    template = add_study(installation, clinician.site_id)
    columns = ", ".join(
        column.name for column in Study.__table__.columns if column.name not in {"id", "content_sha256"}
    )
    db.execute(
        text(
            f"INSERT INTO gateway.studies (id, content_sha256, {columns}) "  # noqa: S608
            f"SELECT gen_random_uuid(), sha256(n::text::bytea), {columns} FROM gateway.studies, "
            "generate_series(1, 1200) n WHERE id = :id"
        ),
        {"id": template},
    )
    db.commit()
    first = browser.post(SEARCH, json={"text": "quux", "sort": "received"}).json()
    assert first["items"] == []
    assert first["next_cursor"]
    assert found(browser, "quux", sort="received") == [jane]


@pytest.fixture
def log(installation: Installation) -> Iterator[io.StringIO]:
    written = io.StringIO()
    configure_logging("gateway-tests", "DEBUG", stream=written)
    yield written
    configure_logging("gateway-tests")


def test_what_was_searched_for_is_written_down_nowhere(
    installation: Installation, browser: TestClient, add_patient: AddPatient, log: io.StringIO
) -> None:
    study_id = add_patient("Quux^Jane", "1")
    assert found(browser, "quux") == [study_id]
    for wrong in ({"text": "quux", "sort": "quux"}, {"text": "quux", "cursor": "quux"}, {"quux": "quux"}):
        answer = browser.post(SEARCH, json=wrong)
        assert answer.status_code == 422
        assert answer.json()["code"] in {"validation_failed", "cursor_unknown"}
    rows = [row for row in installation.audit() if row.action == "study.search"]
    assert [row.code for row in rows] == [None, "validation_failed", "cursor_unknown", "validation_failed"]
    assert '"request"' in log.getvalue()
    for written in (log.getvalue(), *(str(vars(row)) for row in rows)):
        assert "quux" not in written.lower()
