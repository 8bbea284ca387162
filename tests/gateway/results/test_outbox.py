"""Every answer, and every erasure, reaches the feedback service, however often that is away."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, MovingClock
from tests.gateway.uploads import dicom_files, picture, upload

from gateway.app import create_app
from gateway.jobs.sweep import sweep
from gateway.results.models import OutboxMessage
from gateway.settings import GatewaySettings
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding, Priority, Role


@dataclass
class Feedback:
    """An HTTP server that takes review items and erasures, or answers with another status while it is told to."""

    status: int = 204
    taken: list[tuple[str, ReviewItem]] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    asked: int = 0


@pytest.fixture
def feedback() -> Feedback:
    return Feedback()


@pytest.fixture
def feedback_url(feedback: Feedback) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            feedback.asked += 1
            feedback.tokens.add(self.headers["Authorization"])
            if feedback.status == 204:
                feedback.taken.append((self.path, ReviewItem.model_validate_json(body)))
            self.send_response(feedback.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_DELETE(self) -> None:
            feedback.asked += 1
            if feedback.status == 204:
                feedback.erased.append(self.path)
            self.send_response(feedback.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def installation(
    make_settings: Callable[..., GatewaySettings], clock: MovingClock, feedback_url: str
) -> Iterator[Installation]:
    app = create_app(make_settings(feedback_url=feedback_url), clock=clock)
    app.state.resources.redis.flushdb()
    app.state.resources.store.ensure_bucket()
    yield Installation(app, clock, app.state.resources)
    app.state.resources.close()


@pytest.fixture
def answer(installation: Installation) -> Callable[..., UUID]:
    """Has a study answered with a disposition; the job's id."""
    worker, site = Worker.of(installation), installation.add_site()

    def answered(disposition: Disposition) -> UUID:
        add_study(installation, site)
        job = worker.must_claim()
        assert worker.complete(job, prediction(job, disposition, Finding.STROKE)).status_code == 204
        return job.job_id

    return answered


@pytest.fixture
def clinician_browser(installation: Installation) -> TestClient:
    return installation.add_person(Role.CLINICIAN).sign_in()


def admin_erasures(installation: Installation, study: dict[str, Any]) -> list[dict[str, Any]]:
    """The site's tombstones, as a newly signed in administrator sees them."""
    admin = installation.add_person(Role.ADMIN, UUID(study["site_id"])).sign_in()
    items: list[dict[str, Any]] = admin.get("/api/v1/admin/erasures").json()["items"]
    return items


@pytest.mark.parametrize("disposition", Disposition)
def test_every_answer_is_sent_to_review_once(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID], disposition: Disposition
) -> None:
    job_id = answer(disposition)
    for _ in range(3):
        sweep(installation.resources)
    ((path, item),) = feedback.taken
    assert path == f"/internal/v1/review-items/{job_id}"
    assert (item.job_id, item.disposition, item.model_version) == (job_id, disposition, "7")
    assert item.embedding_key is not None
    assert (item.finding, item.key_slices, item.series_id is None) == (Finding.STROKE, (0,), False)
    score = None if disposition is Disposition.UNSUITABLE else 0.9
    assert (item.slice_scores, item.confidence) == ((score,) * 3, score)
    assert (item.embedding_space, item.patient_ref) == ("5" * 64, None)
    token = installation.resources.settings.feedback_token.get_secret_value()
    assert feedback.tokens == {f"Bearer {token}"}


def test_a_study_that_becomes_stat_is_told_again_and_more_urgent(
    installation: Installation, feedback: Feedback
) -> None:
    clinician = installation.add_person(Role.CLINICIAN)
    browser = clinician.sign_in()
    upload(browser, picture(), modality="CT")
    worker = Worker.of(installation)
    job = worker.must_claim()
    worker.complete(job, prediction(job, Disposition.UNCERTAIN, Finding.STROKE))
    sweep(installation.resources)
    for _ in range(2):
        upload(browser, picture(), modality="CT", priority="STAT")
        sweep(installation.resources)
    assert [(item.job_id, item.priority.value) for _, item in feedback.taken] == [
        (job.job_id, "ROUTINE"),
        (job.job_id, "STAT"),
    ]


def test_a_message_that_waits_when_the_study_becomes_stat_goes_as_stat(
    installation: Installation, feedback: Feedback, clinician_browser: TestClient
) -> None:
    feedback.status = 503
    upload(clinician_browser, picture(), modality="CT")
    worker = Worker.of(installation)
    job = worker.must_claim()
    worker.complete(job, prediction(job, Disposition.UNCERTAIN, Finding.STROKE))
    sweep(installation.resources)
    upload(clinician_browser, picture(), modality="CT", priority="STAT")
    feedback.status = 204
    sweep(installation.resources)
    ((_, item),) = feedback.taken
    assert item.priority is Priority.STAT


def test_scans_of_one_patient_at_one_site_can_be_told_to_be_that_and_nothing_else(
    installation: Installation, feedback: Feedback
) -> None:
    worker = Worker.of(installation)
    here = installation.add_person(Role.CLINICIAN).sign_in()
    elsewhere = installation.add_person(Role.CLINICIAN).sign_in()
    for browser, files in ((here, dicom_files(1)), (here, dicom_files(2)), (elsewhere, dicom_files(3))):
        upload(browser, *files)
        worker.complete(worker.must_claim())
    sweep(installation.resources)
    first, again, other_site = (item.patient_ref for _, item in feedback.taken)
    assert first == again != other_site
    assert None not in {first, other_site}
    assert "CANARY" not in "".join(item.model_dump_json() for _, item in feedback.taken)


def test_an_answer_to_an_erased_study_that_feedback_refuses_for_good_is_not_sent_again(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID]
) -> None:
    feedback.status = 410
    answer(Disposition.UNCERTAIN)
    for _ in range(3):
        sweep(installation.resources)
        installation.clock.advance(hours=1)
    assert feedback.asked == 1


def test_an_erasure_is_told_until_it_is_heard_and_what_was_still_to_be_said_of_the_study_is_not(
    installation: Installation, feedback: Feedback, clinician_browser: TestClient
) -> None:
    feedback.status = 503
    study = upload(clinician_browser, picture(), modality="CT")
    worker = Worker.of(installation)
    worker.complete(worker.must_claim())
    admin = installation.add_person(Role.ADMIN, UUID(study["site_id"])).sign_in()
    assert admin.delete(f"/api/v1/studies/{study['id']}", params={"reason": "test_data"}).status_code == 204
    for _ in range(5):
        sweep(installation.resources)
        installation.clock.advance(minutes=15)
    (stone,) = admin_erasures(installation, study)
    assert stone["feedback_told"] is False
    feedback.status = 204
    sweep(installation.resources)
    assert (feedback.taken, feedback.erased) == ([], [f"/internal/v1/studies/{study['id']}"])
    (stone,) = admin_erasures(installation, study)
    assert stone["feedback_told"] is True


def test_an_outage_delays_and_loses_nothing(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID], db: Session
) -> None:
    feedback.status = 503
    jobs = {answer(Disposition.UNCERTAIN) for _ in range(3)}
    sweep(installation.resources)
    assert feedback.asked == 1  # the others would only wait for the same silence
    for _ in range(20):
        installation.clock.advance(minutes=15)
        sweep(installation.resources)
    feedback.status = 204
    installation.clock.advance(minutes=15)
    sweep(installation.resources)
    assert {item.job_id for _, item in feedback.taken} == jobs
    assert len(feedback.taken) == 3
    messages = db.scalars(select(OutboxMessage)).all()
    assert all(message.delivered_at and message.last_error is None for message in messages)


def test_a_refused_message_waits_longer_each_time_and_holds_up_no_other(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID], db: Session
) -> None:
    feedback.status = 422
    answer(Disposition.UNCERTAIN)
    answer(Disposition.UNCERTAIN)
    waits = []
    for attempts in range(1, 4):
        sweep(installation.resources)
        assert feedback.asked == 2 * attempts
        db.expire_all()
        message = db.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).first()
        assert message is not None
        assert message.last_error
        waits.append((message.next_attempt_at - installation.clock()).total_seconds())
        sweep(installation.resources)
        installation.clock.now = message.next_attempt_at
    assert waits == [5, 10, 20]
