"""Erasure: a study goes from everything, and does not come back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from sqlalchemy import text

from feedback.database import create_feedback_engine
from ictus.contracts.cases import CasePage, TrainingDataset
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding

from .conftest import MakeItem, judge, opinion, put, read

STROKE = Finding.STROKE


def erase(client: TestClient, study_id: UUID) -> int:
    return client.delete(f"/internal/v1/studies/{study_id}").status_code


def rows_about(database: str, item: ReviewItem) -> dict[str, int]:
    """How many rows of each table speak of a result's study."""
    cases = "case_id IN (SELECT case_id FROM feedback.cases WHERE study_id = :study)"
    queries = {
        "review_items": "study_id = :study",
        "verdicts": "job_id = :job",
        "cases": "study_id = :study",
        "case_slices": cases,
        "dataset_cases": cases,
    }
    engine = create_feedback_engine(database)
    with engine.connect() as connection:
        found = {
            table: connection.execute(
                text(f"SELECT count(*) FROM feedback.{table} WHERE {where}"),  # noqa: S608  our own names
                {"study": item.study_id, "job": item.job_id},
            ).scalar_one()
            for table, where in queries.items()
        }
    engine.dispose()
    return found


def test_erasing_a_study_removes_everything_about_it_and_marks_the_datasets_that_held_it(
    gateway: TestClient, trainer: TestClient, analysed: Callable[..., ReviewItem], migrated_database: str
) -> None:
    space = uuid4().hex
    erased, kept = analysed(space=space), analysed(space=space)
    for item in (erased, kept):
        put(gateway, item)
        judge(gateway, item, STROKE)
    made = gateway.post("/internal/v1/datasets", json={"embedding_space": space}).json()
    address = f"/internal/v1/datasets/{made['dataset_id']}"
    assert trainer.get(f"{address}/embeddings").status_code == 200
    assert all(rows_about(migrated_database, erased).values())

    assert erase(gateway, erased.study_id) == 204
    assert not any(rows_about(migrated_database, erased).values())
    assert all(rows_about(migrated_database, kept).values())
    assert gateway.get(f"/internal/v1/reviews/{erased.job_id}").status_code == 404
    page = gateway.get("/internal/v1/cases", params={"site_id": str(erased.site_id)})
    assert [case.job_id for case in CasePage.model_validate_json(page.content).items] == [kept.job_id]

    marked = TrainingDataset.model_validate_json(trainer.get(address).content)
    assert (marked.erased_cases, marked.cases, marked.sha256) == (1, 2, made["sha256"])
    refused = trainer.get(f"{address}/embeddings")
    assert (refused.status_code, refused.json()["code"]) == (410, "dataset_erased")
    anew = gateway.post("/internal/v1/datasets", json={"embedding_space": space}).json()
    assert (anew["cases"], anew["new_cases"]) == (1, 1)
    assert anew["sha256"] != made["sha256"]
    assert trainer.get(f"/internal/v1/datasets/{anew['dataset_id']}/embeddings").status_code == 200


def test_an_erased_study_is_not_taken_again(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    put(gateway, item)
    assert erase(gateway, item.study_id) == 204
    for late in (item, make_item(study_id=item.study_id)):
        answer = gateway.put(f"/internal/v1/review-items/{late.job_id}", content=late.model_dump_json())
        assert (answer.status_code, answer.json()["code"]) == (410, "study_erased")
    verdict = gateway.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(STROKE))
    assert verdict.status_code == 404


def test_erasing_again_or_a_study_never_heard_of_is_no_error_and_leaves_one_tombstone(
    gateway: TestClient, make_item: MakeItem, migrated_database: str
) -> None:
    item, unheard = make_item(), make_item()
    put(gateway, item)
    assert [erase(gateway, one.study_id) for one in (item, item, unheard, unheard)] == [204] * 4
    engine = create_feedback_engine(migrated_database)
    query = text("SELECT results, cases FROM feedback.erased_studies WHERE study_id = :study")
    with engine.connect() as connection:
        assert connection.execute(query, {"study": item.study_id}).all() == [(1, 0)]
        assert connection.execute(query, {"study": unheard.study_id}).all() == [(0, 0)]
    engine.dispose()
    late = gateway.put(f"/internal/v1/review-items/{unheard.job_id}", content=unheard.model_dump_json())
    assert late.json()["code"] == "study_erased"


def test_verdicts_datasets_and_erasure_at_once_leave_nothing_behind(
    gateway: TestClient, analysed: Callable[..., ReviewItem], migrated_database: str
) -> None:
    space = uuid4().hex
    items = [analysed(space=space) for _ in range(8)]
    for item in items:
        put(gateway, item)

    def verdict(item: ReviewItem) -> int:
        return gateway.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(STROKE)).status_code

    def dataset(_: int) -> int:
        return gateway.post("/internal/v1/datasets", json={"embedding_space": space}).status_code

    with ThreadPoolExecutor(12) as callers:
        verdicts = [callers.submit(verdict, item) for item in items]
        datasets = [callers.submit(dataset, number) for number in range(4)]
        erasures = [callers.submit(erase, gateway, item.study_id) for item in items]
    assert {one.result() for one in verdicts} <= {200, 404}
    assert {one.result() for one in datasets} <= {200, 409}
    assert {one.result() for one in erasures} == {204}
    for item in items:
        assert not any(rows_about(migrated_database, item).values())


def test_another_study_of_the_same_patient_stays(gateway: TestClient, make_item: MakeItem) -> None:
    patient = uuid4()
    gone, stays = make_item(patient_ref=patient), make_item(patient_ref=patient)
    for item in (gone, stays):
        put(gateway, item)
    erase(gateway, gone.study_id)
    assert read(gateway, stays.job_id).item == stays


def test_a_waiting_review_leaves_the_queue_with_its_study(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item(disposition=Disposition.UNCERTAIN)
    put(gateway, item)
    erase(gateway, item.study_id)
    assert gateway.get("/internal/v1/reviews", params={"site_id": str(item.site_id)}).json()["items"] == []
