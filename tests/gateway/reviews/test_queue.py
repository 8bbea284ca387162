"""The site's review queue, asked of a real feedback service."""

import socket
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from tests.gateway.installation import Installation, Person

from gateway.auth.models import Scope
from gateway.settings import GatewaySettings
from gateway.studies.models import Study
from ictus.domain.enums import Disposition, Finding, Priority, Role

REVIEWS = "/api/v1/reviews"


def test_what_the_model_is_not_sure_of_waits_for_a_reader_most_urgent_first(
    radiologist: Person, answer: Callable[..., str]
) -> None:
    answer(Disposition.CONFIDENT)
    unsuitable = answer(Disposition.UNSUITABLE)
    uncertain = answer(Disposition.UNCERTAIN)
    stat = answer(Disposition.UNCERTAIN, Priority.STAT)
    queue = radiologist.sign_in().get(REVIEWS).json()
    assert [item["study"]["id"] for item in queue["items"]] == [stat, uncertain, unsuitable]
    assert [item["disposition"] for item in queue["items"]] == ["uncertain", "uncertain", "unsuitable"]
    assert queue["next_cursor"] is None


def test_a_line_says_why_it_waits_and_for_how_long(
    installation: Installation, radiologist: Person, answer: Callable[..., str]
) -> None:
    answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    installation.clock.advance(minutes=10)
    (line,) = radiologist.sign_in().get(REVIEWS).json()["items"]
    assert (line["state"], line["why"]) == ("open", "The model is uncertain.")
    assert line["waiting_seconds"] >= 600
    assert (line["description"], line["finding"], line["stroke_probability"]) == ("axial", "stroke", 0.9)
    assert (line["judged_by_me"], line["verdict_count"]) == (False, 0)


def test_all_results_can_be_listed_the_confident_ones_too(
    radiologist: Person, answer: Callable[..., str]
) -> None:
    confident, uncertain = (
        answer(Disposition.CONFIDENT, finding=Finding.STROKE),
        answer(Disposition.UNCERTAIN),
    )
    items = radiologist.sign_in().get(REVIEWS, params={"state": "all"}).json()["items"]
    assert {item["study"]["id"]: item["state"] for item in items} == {
        confident: "optional",
        uncertain: "open",
    }
    assert {item["study"]["id"]: item["waiting_seconds"] is None for item in items} == {
        confident: True,
        uncertain: False,
    }


def test_the_queue_comes_in_pages(radiologist: Person, answer: Callable[..., str]) -> None:
    waiting = [answer(Disposition.UNCERTAIN) for _ in range(3)]
    browser = radiologist.sign_in()
    first = browser.get(REVIEWS, params={"limit": 2}).json()
    second = browser.get(REVIEWS, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["study"]["id"] for item in first["items"] + second["items"]] == waiting
    assert second["next_cursor"] is None


def test_another_sites_queue_is_its_own(
    installation: Installation, radiologist: Person, answer: Callable[..., str]
) -> None:
    answer(Disposition.UNCERTAIN)
    stranger = installation.add_person(Role.RADIOLOGIST).sign_in()
    assert stranger.get(REVIEWS).json() == {"items": [], "next_cursor": None}


def test_an_item_whose_study_was_erased_is_left_out(
    installation: Installation, radiologist: Person, answer: Callable[..., str]
) -> None:
    erased, kept = answer(Disposition.UNCERTAIN), answer(Disposition.UNCERTAIN)
    with installation.resources.sessions.begin() as session:
        session.delete(session.get_one(Study, erased))
    items = radiologist.sign_in().get(REVIEWS).json()["items"]
    assert [item["study"]["id"] for item in items] == [kept]


def test_a_cursor_from_elsewhere_is_refused(radiologist: Person) -> None:
    refused = radiologist.sign_in().get(REVIEWS, params={"cursor": "elsewhere"})
    assert (refused.status_code, refused.json()["code"]) == (422, "cursor_unknown")


def test_clinicians_and_keys_without_the_scope_have_no_queue(installation: Installation) -> None:
    assert installation.add_person(Role.CLINICIAN).sign_in().get(REVIEWS).status_code == 403
    assert installation.add_api_client(Scope.STUDIES_READ).get(REVIEWS).status_code == 403
    assert installation.add_api_client(Scope.REVIEWS_READ).get(REVIEWS).status_code == 200


def test_reading_the_queue_leaves_a_trail(installation: Installation, radiologist: Person) -> None:
    radiologist.sign_in().get(REVIEWS)
    row = installation.audit()[-1]
    assert (row.action, row.actor_id) == ("review.list", radiologist.user_id)


class TestWithoutFeedback:
    """The feedback service is down."""

    @pytest.fixture
    def settings(self, make_settings: Callable[..., GatewaySettings]) -> GatewaySettings:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        return make_settings(feedback_url=f"http://127.0.0.1:{port}")

    def test_the_queue_says_that_a_part_does_not_answer(self, radiologist: Person) -> None:
        browser: TestClient = radiologist.sign_in()
        down = browser.get(REVIEWS)
        assert (down.status_code, down.json()["code"]) == (503, "unavailable")
        assert down.headers["content-type"] == "application/problem+json"
