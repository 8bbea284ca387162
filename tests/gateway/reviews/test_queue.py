"""The site's review queue, asked of a real feedback service."""

import secrets
import socket
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, Person
from tests.serving import served

from feedback.app import create_app as create_feedback
from feedback.database import migrate as migrate_feedback
from feedback.settings import FeedbackSettings
from gateway.auth.models import Scope
from gateway.results.outbox import relay_outbox
from gateway.settings import GatewaySettings
from gateway.studies.models import Study
from ictus.domain.enums import Disposition, Priority, Role

REVIEWS = "/api/v1/reviews"
TOKEN = secrets.token_hex(32)


@pytest.fixture(scope="module")
def feedback_url(feedback_database: str) -> Iterator[str]:
    """A feedback service that listens."""
    migrate_feedback(feedback_database)
    settings = FeedbackSettings.model_validate({"database_url": feedback_database, "feedback_token": TOKEN})
    with served(create_feedback(settings)) as url:
        yield url


@pytest.fixture
def settings(make_settings: Callable[..., GatewaySettings], feedback_url: str) -> GatewaySettings:
    return make_settings(feedback_url=feedback_url, feedback_token=TOKEN)


@pytest.fixture
def radiologist(installation: Installation) -> Person:
    return installation.add_person(Role.RADIOLOGIST)


@pytest.fixture
def answer(installation: Installation, radiologist: Person) -> Callable[..., str]:
    """Analyse a study of the radiologist's site and tell the feedback service; the study's id."""
    worker = Worker.of(installation)

    def complete(disposition: Disposition, priority: Priority = Priority.ROUTINE) -> str:
        study_id = add_study(installation, radiologist.site_id, priority)
        job = worker.must_claim()
        assert worker.complete(job, prediction(job, disposition, None)).status_code == 204
        resources = installation.resources
        relay_outbox(resources.sessions, resources.feedback, installation.clock(), most=10)
        installation.clock.advance(seconds=1)
        return str(study_id)

    return complete


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
