"""Who may ask what, and that everything that was asked is on record."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from tests.gateway.routes import routes_of

from feedback.app import create_app
from feedback.database import create_feedback_engine
from feedback.settings import FeedbackSettings
from ictus.domain.enums import Finding

from .conftest import MakeItem, judge, opinion, put


def trail(database: str, object_id: object) -> list[tuple[object, ...]]:
    engine = create_feedback_engine(database)
    query = text(
        "SELECT service, action, object_type, outcome, code FROM feedback.audit_events "
        "WHERE object_id = :object ORDER BY id"
    )
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query, {"object": str(object_id)})]
    engine.dispose()
    return rows


def last(database: str, request_id: str) -> tuple[object, ...]:
    engine = create_feedback_engine(database)
    query = text(
        "SELECT service, action, object_id, outcome, code FROM feedback.audit_events WHERE request_id = :id"
    )
    with engine.connect() as connection:
        (row,) = connection.execute(query, {"id": request_id}).all()
    engine.dispose()
    return tuple(row)


def test_each_deed_and_each_refusal_is_on_record(
    gateway: TestClient, make_item: MakeItem, migrated_database: str
) -> None:
    item = make_item()
    put(gateway, item)
    judge(gateway, item, Finding.STROKE)
    gateway.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(Finding.STROKE))
    gateway.put(f"/internal/v1/review-items/{item.job_id}", content="{}")
    gateway.delete(f"/internal/v1/studies/{item.study_id}")
    assert trail(migrated_database, item.job_id) == [
        ("gateway", "put_review_item", "job", "done", None),
        ("gateway", "read_review", "job", "done", None),
        ("gateway", "give_verdict", "job", "done", None),
        ("gateway", "give_verdict", "job", "refused", "review_final"),
        ("gateway", "put_review_item", "job", "refused", "validation_failed"),
    ]
    assert trail(migrated_database, item.study_id) == [("gateway", "erase", "study", "done", None)]


def test_whoever_comes_without_a_token_is_on_record_too(stranger: TestClient, migrated_database: str) -> None:
    study = uuid4()
    assert stranger.delete(f"/internal/v1/studies/{study}").status_code == 401
    assert trail(migrated_database, study) == [(None, "erase", "study", "refused", "service_token_refused")]


def test_nothing_that_was_typed_into_an_address_is_kept(gateway: TestClient, migrated_database: str) -> None:
    request_id = uuid4().hex
    answer = gateway.get("/internal/v1/reviews/DOE^JANE", headers={"X-Request-ID": request_id})
    assert answer.status_code == 422
    assert last(migrated_database, request_id) == (
        "gateway",
        "read_review",
        None,
        "refused",
        "validation_failed",
    )


def test_a_failure_of_ours_is_told_from_a_refusal(
    gateway: TestClient, make_item: MakeItem, migrated_database: str
) -> None:
    item = make_item()
    put(gateway, item)
    # a deed whose rows cannot be written, as with a full disk: the trail's own later transaction can
    engine = create_feedback_engine(migrated_database)
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE feedback.verdicts ADD CONSTRAINT disk_is_full CHECK (comment <> 'full')")
        )
    with capture_logs():  # what operators see of it is long
        answer = gateway.post(
            f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(Finding.STROKE, comment="full")
        )
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE feedback.verdicts DROP CONSTRAINT disk_is_full"))
    engine.dispose()
    assert answer.status_code == 500
    assert trail(migrated_database, item.job_id)[-1] == (
        "gateway",
        "give_verdict",
        "job",
        "failed",
        "internal_error",
    )
    assert gateway.get(f"/internal/v1/reviews/{item.job_id}").json()["revision"] == 0


@pytest.mark.parametrize("statement", ["UPDATE {} SET code = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_trail_cannot_be_changed(migrated_database: str, statement: str) -> None:
    engine = create_feedback_engine(migrated_database)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(statement.format("feedback.audit_events")))
    engine.dispose()


def test_the_trainer_may_fetch_datasets_and_nothing_else(
    gateway: TestClient, trainer: TestClient, make_item: MakeItem
) -> None:
    item = make_item()
    put(gateway, item)
    site = {"site_id": str(item.site_id)}
    refused = [
        trainer.put(f"/internal/v1/review-items/{item.job_id}", content=item.model_dump_json()),
        trainer.get("/internal/v1/reviews", params=site),
        trainer.get(f"/internal/v1/reviews/{item.job_id}"),
        trainer.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(Finding.STROKE)),
        trainer.get("/internal/v1/agreement"),
        trainer.get("/internal/v1/cases", params=site),
        trainer.get("/internal/v1/cases/summary"),
        trainer.post("/internal/v1/datasets", json={"embedding_space": "any"}),
        trainer.delete(f"/internal/v1/studies/{item.study_id}"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (403, "service_not_allowed")
    ] * len(refused)
    for path in (f"/internal/v1/datasets/{uuid4()}", f"/internal/v1/datasets/{uuid4()}/embeddings"):
        assert trainer.get(path).status_code == 404


def test_every_internal_address_names_who_may_ask(settings: FeedbackSettings) -> None:
    internal = {
        place: route for place, route in routes_of(create_app(settings)).items() if "/internal/" in place[1]
    }
    assert len(internal) == 12
    for place, route in internal.items():
        assert any("_requirement" in name for name in _names(route.dependant)), place


def _names(dependant: Dependant) -> Iterator[str]:
    for dependency in dependant.dependencies:
        yield getattr(dependency.call, "__qualname__", "")
        yield from _names(dependency)
