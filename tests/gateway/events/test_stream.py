"""Server-sent events, over a real connection."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study
from tests.gateway.events.conftest import OpenStream
from tests.gateway.installation import Installation, Person

from gateway.events.journal import announce
from gateway.events.models import EventRow
from gateway.events.schemas import EventKind, StudyEvent
from ictus.domain.enums import Role, Stage


def test_the_worklist_hears_what_happens_to_its_sites_studies(
    installation: Installation, reader: Person, worker: Worker, open_stream: OpenStream
) -> None:
    with open_stream(reader) as stream:
        add_study(installation, installation.add_site())
        study_id = add_study(installation, reader.site_id)
        queued = stream.next()
        assert (queued["kind"], queued["study_id"]) == ("job.queued", str(study_id))
        foreign, own = sorted(
            [worker.must_claim(), worker.must_claim()], key=lambda job: job.study_id == study_id
        )
        worker.complete(foreign)
        worker.complete(own)
        assert stream.next()["kind"] == "job.started"
        completed = stream.next()
        assert (completed["kind"], completed["disposition"], completed["finding"]) == (
            "job.completed",
            "confident",
            "stroke",
        )
        assert stream.next()["kind"] == "alert.raised"


def test_a_studys_stream_tells_its_history_and_goes_on_live(
    installation: Installation, reader: Person, worker: Worker, open_stream: OpenStream
) -> None:
    study_id = add_study(installation, reader.site_id)
    job = worker.must_claim()
    add_study(installation, reader.site_id)
    with open_stream(reader, f"/api/v1/studies/{study_id}/events") as stream:
        assert [stream.next()["kind"] for _ in range(2)] == ["job.queued", "job.started"]
        worker.beat(job, Stage.CLASSIFYING, 1, 3)
        progress = stream.next()
        assert (progress["kind"], progress["stage"], progress["done"], progress["total"]) == (
            "job.progress",
            "classifying",
            1,
            3,
        )


def test_progress_within_a_stage_is_throttled_and_a_new_stage_is_told_at_once(
    installation: Installation, reader: Person, worker: Worker, db: Session
) -> None:
    add_study(installation, reader.site_id)
    job = worker.must_claim()
    for done in range(5):
        worker.beat(job, Stage.CLASSIFYING, done, 5)
    worker.beat(job, Stage.EXPLAINING, 0, 5)
    installation.clock.advance(seconds=2)
    worker.beat(job, Stage.EXPLAINING, 4, 5)
    bodies = db.scalars(select(EventRow.body).order_by(EventRow.id)).all()
    told = [(body["stage"], body["done"]) for body in bodies if body["kind"] == "job.progress"]
    assert told == [("classifying", 0), ("explaining", 0), ("explaining", 4)]


def test_a_stream_resumes_behind_the_last_event_that_was_seen(
    installation: Installation, reader: Person, worker: Worker, open_stream: OpenStream
) -> None:
    with open_stream(reader) as stream:
        add_study(installation, reader.site_id)
        assert stream.next()["kind"] == "job.queued"
        last_id = stream.last_id
    job = worker.must_claim()
    worker.beat(job, Stage.LOADING)
    with open_stream(reader, last_id=last_id) as stream:
        worker.complete(job)
        assert stream.until("job.completed") == ["job.started", "job.progress", "job.completed"]


def test_a_stream_survives_a_lost_database_connection_without_a_gap(
    installation: Installation, reader: Person, open_stream: OpenStream, database_admin: Engine
) -> None:
    with open_stream(reader) as stream:
        with database_admin.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'ictus-gateway-events'"
                )
            )
        study_id = add_study(installation, reader.site_id)
        assert stream.next()["study_id"] == str(study_id)


def test_a_stream_ends_when_its_session_does(
    reader: Person, open_stream: OpenStream, installation: Installation
) -> None:
    with open_stream(reader) as stream:
        with installation.resources.sessions.begin() as session:
            session.execute(text("DELETE FROM gateway.user_sessions"))
        assert stream.has_ended()


def test_a_disabled_persons_stream_ends(
    reader: Person, open_stream: OpenStream, installation: Installation
) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    with open_stream(reader) as stream:
        assert admin.post(f"/api/v1/admin/users/{reader.user_id}/disable").status_code == 200
        assert stream.has_ended()


def test_nobody_signed_in_gets_no_stream(address: str) -> None:
    for path in ("/api/v1/events", f"/api/v1/studies/{uuid4()}/events"):
        assert httpx.get(f"{address}{path}").status_code == 401


def test_an_opened_stream_is_audited_once(
    installation: Installation, reader: Person, open_stream: OpenStream
) -> None:
    with open_stream(reader) as stream:
        add_study(installation, reader.site_id)
        stream.next()
    streams = [row for row in installation.audit() if row.action == "event.stream"]
    assert [row.actor_id for row in streams] == [reader.user_id]


def test_events_become_visible_in_the_order_of_their_ids(installation: Installation, reader: Person) -> None:
    """Many writers at once; whoever reads sees no id appear below one that it has seen."""
    sessions = installation.resources.sessions

    def write(_number: int) -> None:
        event = StudyEvent(kind=EventKind.STUDY_HELD, study_id=uuid4(), at=installation.clock())
        with sessions.begin() as session:
            announce(session, reader.site_id, event)

    seen: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(100)]
        while not (done := all(writer.done() for writer in writers)) or len(seen) < 100:
            with sessions() as session:
                visible = session.scalars(select(EventRow.id).order_by(EventRow.id)).all()
            assert list(visible[: len(seen)]) == seen
            seen = list(visible)
            assert not done or len(seen) == 100


def test_a_rolled_back_change_tells_nothing(installation: Installation, reader: Person, db: Session) -> None:
    event = StudyEvent(kind=EventKind.STUDY_HELD, study_id=uuid4(), at=installation.clock())
    with installation.resources.sessions() as session:
        session.execute(text("SELECT 1"))
        announce(session, reader.site_id, event)
        session.rollback()
        session.execute(text("SELECT 1"))
        session.commit()
    assert db.scalars(select(EventRow)).all() == []
