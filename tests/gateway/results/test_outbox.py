"""What waits for a reader reaches the feedback service, however often that is away."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, MovingClock

from gateway.app import create_app
from gateway.jobs.sweep import sweep
from gateway.results.models import OutboxMessage
from gateway.settings import GatewaySettings
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding


@dataclass
class Feedback:
    """An HTTP server that takes review items, or answers with another status while it is told to."""

    status: int = 204
    taken: list[tuple[str, ReviewItem]] = field(default_factory=list)
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


@pytest.mark.parametrize(
    "disposition", [Disposition.UNCERTAIN, Disposition.UNSUITABLE, Disposition.NOT_VALIDATED]
)
def test_what_the_model_is_not_confident_of_is_sent_to_review_once(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID], disposition: Disposition
) -> None:
    job_id = answer(disposition)
    for _ in range(3):
        sweep(installation.resources)
    ((path, item),) = feedback.taken
    assert path == f"/internal/v1/review-items/{job_id}"
    assert (item.job_id, item.disposition, item.model_version) == (job_id, disposition, "7")
    assert item.embedding_key is not None
    token = installation.resources.settings.feedback_token.get_secret_value()
    assert feedback.tokens == {f"Bearer {token}"}


def test_a_confident_answer_is_not_sent(
    installation: Installation, feedback: Feedback, answer: Callable[..., UUID]
) -> None:
    answer(Disposition.CONFIDENT)
    sweep(installation.resources)
    assert feedback.asked == 0


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
