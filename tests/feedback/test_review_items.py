"""Results that wait for a reader: stored once, listed most urgent first, for the gateway only."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Select, text
from sqlalchemy.dialects import postgresql

from feedback.cursor import decode_cursor
from feedback.database import create_feedback_engine
from feedback.reviews.endpoints import _KEYS
from feedback.reviews.models import StoredReview
from feedback.reviews.repository import page_query
from ictus.contracts.reviews import Review, ReviewFilter, ReviewItem, ReviewPage
from ictus.domain.enums import Disposition, Priority, ReviewState

from .conftest import NOON, MakeItem, judge, read

ITEMS = "/internal/v1/review-items"
REVIEWS = "/internal/v1/reviews"


def _spelt(query: Select[StoredReview]) -> str:
    """The query with its values in place, as psycopg2 sends it."""
    return str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})).replace(
        ":", "\\:"
    )


def put(client: TestClient, item: ReviewItem) -> int:
    answer = client.put(f"{ITEMS}/{item.job_id}", content=item.model_dump_json())
    return answer.status_code


def page(client: TestClient, site_id: UUID, **params: object) -> tuple[list[ReviewItem], str | None]:
    answer = client.get(REVIEWS, params={"site_id": str(site_id), **params})
    assert answer.status_code == 200, answer.text
    found = ReviewPage.model_validate_json(answer.content)
    return [review.item for review in found.items], found.next_cursor


def test_an_item_comes_back_as_it_was_put(gateway: TestClient, make_item: MakeItem) -> None:
    items = [
        make_item(),
        make_item(disposition=Disposition.UNSUITABLE, stroke_probability=None, embedding_key=None),
    ]
    for item in items:
        assert put(gateway, item) == 204
    assert sorted(page(gateway, items[0].site_id)[0], key=lambda item: item.job_id) == sorted(
        items, key=lambda item: item.job_id
    )


def test_putting_an_item_again_changes_nothing(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item(predicted_at=NOON + timedelta(microseconds=123456))
    assert [put(gateway, item) for _ in range(3)] == [204, 204, 204]
    assert page(gateway, item.site_id)[0] == [item]


def test_another_item_for_the_same_job_is_refused_and_the_first_stays(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = make_item()
    put(gateway, item)
    answer = gateway.put(f"{ITEMS}/{item.job_id}", content=make_item(job_id=item.job_id).model_dump_json())
    assert (answer.status_code, answer.json()["code"]) == (409, "review_item_differs")
    assert page(gateway, item.site_id)[0] == [item]


def test_an_item_of_another_job_than_the_address_is_refused(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    answer = gateway.put(f"{ITEMS}/{uuid4()}", content=item.model_dump_json())
    assert (answer.status_code, answer.json()["code"]) == (422, "other_job")
    assert page(gateway, item.site_id)[0] == []


def test_an_item_with_an_unknown_member_is_refused_without_quoting_it(
    gateway: TestClient, make_item: MakeItem
) -> None:
    body = make_item().model_dump(mode="json") | {"patient_name": "CANARY^NAME"}
    answer = gateway.put(f"{ITEMS}/{body['job_id']}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "CANARY" not in answer.text


def test_the_most_urgent_come_first_then_what_teaches_most_then_the_longest_waiting(
    gateway: TestClient, make_item: MakeItem
) -> None:
    def at(minute: int, probability: float | None, novelty: float | None, **changes: object) -> ReviewItem:
        moment = NOON + timedelta(minutes=minute)
        return make_item(predicted_at=moment, stroke_probability=probability, novelty=novelty, **changes)

    wanted = [
        at(9, 0.6, 0.1, priority=Priority.STAT),  # STAT that tends to stroke, however little it teaches
        at(8, None, None, priority=Priority.STAT, disposition=Disposition.UNSUITABLE, finding=None),
        at(7, 0.1, 0.1, priority=Priority.STAT),
        at(6, 0.9, 0.2),  # tends to stroke
        at(5, 0.4, 2.0),  # 0.8 x 2.0
        at(4, None, None, disposition=Disposition.NOT_VALIDATED, finding=None),  # 1.0 x 1.0
        at(3, 0.4, 1.0),  # 0.8 x 1.0
        at(1, 0.1, 1.0),  # 0.2 x 1.0, the longer waiting
        at(2, 0.1, 1.0),
    ]
    for item in sorted(wanted, key=lambda item: item.job_id):
        put(gateway, item)
    assert page(gateway, wanted[0].site_id)[0] == wanted


def test_stat_sent_again_reaches_the_queue_and_a_late_routine_does_not_lower_it(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item, other = make_item(), make_item(novelty=5.0)
    put(gateway, item)
    put(gateway, other)
    assert put(gateway, item.model_copy(update={"priority": Priority.STAT})) == 204
    assert put(gateway, item) == 204
    assert [one.job_id for one in page(gateway, item.site_id)[0]] == [item.job_id, other.job_id]
    assert read(gateway, item.job_id).item.priority is Priority.STAT


def test_what_was_not_known_before_is_taken_over(gateway: TestClient, make_item: MakeItem) -> None:
    whole = make_item()
    unknown = {"novelty": None, "slice_scores": (), "key_slices": (), "patient_ref": None, "finding": None}
    put(gateway, whole.model_copy(update=unknown))
    assert put(gateway, whole) == 204
    assert read(gateway, whole.job_id).item == whole


@pytest.mark.parametrize("which", list(ReviewFilter))
def test_each_list_is_read_from_an_index_in_its_order(
    gateway: TestClient, make_item: MakeItem, migrated_database: str, which: ReviewFilter
) -> None:
    states = [Disposition.CONFIDENT, Disposition.UNCERTAIN]
    items = [make_item(disposition=states[number % 2], novelty=number / 10) for number in range(40)]
    for item in items:
        put(gateway, item)
        if which is ReviewFilter.FINAL:
            judge(gateway, item, item.finding)
    members = {"limit": 3, "state": which}
    cursor = gateway.get(REVIEWS, params={"site_id": str(items[0].site_id), **members}).json()["next_cursor"]
    assert cursor
    engine = create_feedback_engine(migrated_database)
    index = {ReviewFilter.WAITING: "queue", ReviewFilter.ALL: "newest", ReviewFilter.FINAL: "decided"}[which]
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        for after in (None, decode_cursor(cursor, _KEYS[which][1])):
            query = page_query(items[0].site_id, which, after, 3)
            plan = "\n".join(connection.scalars(text(f"EXPLAIN {_spelt(query)}")))
            assert f"ix_review_items_{index}" in plan, plan
            assert "Sort" not in plan, plan
            assert "Bitmap" not in plan, plan
    engine.dispose()


def test_a_list_holds_what_its_name_says(gateway: TestClient, make_item: MakeItem) -> None:
    confident, uncertain, read_first, read_last = (
        make_item(predicted_at=NOON + timedelta(minutes=number), disposition=disposition)
        for number, disposition in enumerate(
            [Disposition.CONFIDENT, Disposition.UNCERTAIN, Disposition.UNCERTAIN, Disposition.CONFIDENT]
        )
    )
    for item in (confident, uncertain, read_first, read_last):
        put(gateway, item)
    judge(gateway, read_last, read_last.finding)
    judge(gateway, read_first, read_first.finding)
    site = confident.site_id
    assert page(gateway, site)[0] == [uncertain]
    assert page(gateway, site, state="final")[0] == [read_first, read_last]
    assert page(gateway, site, state="all")[0] == [read_last, read_first, uncertain, confident]
    assert read(gateway, confident.job_id) == Review(item=confident, state=ReviewState.OPTIONAL, revision=0)


def test_pages_hold_every_item_once_even_when_items_arrive_in_between(
    gateway: TestClient, make_item: MakeItem
) -> None:
    items = [make_item(predicted_at=NOON + timedelta(seconds=number // 3)) for number in range(11)]
    for item in items:
        put(gateway, item)
    seen: list[UUID] = []
    cursor = None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        found, cursor = page(gateway, items[0].site_id, **params)
        seen += [item.job_id for item in found]
        if cursor is None:
            break
        put(gateway, make_item(priority=Priority.STAT))  # sorts before what is still to come
    assert sorted(seen) == sorted(item.job_id for item in items)


def test_the_last_page_says_that_it_is_the_last(gateway: TestClient, make_item: MakeItem) -> None:
    items = [make_item() for _ in range(4)]
    for item in items:
        put(gateway, item)
    assert page(gateway, items[0].site_id, limit=4)[1] is None
    assert page(gateway, items[0].site_id, limit=3)[1] is not None


def test_a_site_sees_its_own_items_only(gateway: TestClient, make_item: MakeItem) -> None:
    ours, theirs = make_item(), make_item(site_id=uuid4())
    put(gateway, ours)
    put(gateway, theirs)
    assert page(gateway, ours.site_id)[0] == [ours]
    assert page(gateway, theirs.site_id)[0] == [theirs]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "////",
        "bnVsbA==",
        "WzEsMl0=",
        "WzAsICJub29uIiwgIjAwIl0=",
        "WyIxIiwgIjIwMjYtMDEtMDEiLCAiMCJd",
        "WzAsIDAuMCwgIjIwMjYtMDEtMDEiLCAiMDAiXQ==",
        "é",
    ],
)
def test_a_cursor_from_elsewhere_is_refused(gateway: TestClient, cursor: str) -> None:
    answer = gateway.get(REVIEWS, params={"site_id": str(uuid4()), "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_refused")


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic wrong", "Bearer "])
def test_nobody_without_the_token_gets_in(
    stranger: TestClient, make_item: MakeItem, token: str | None
) -> None:
    headers = {"Authorization": token} if token else {}
    item = make_item()
    put_answer = stranger.put(f"{ITEMS}/{item.job_id}", content=item.model_dump_json(), headers=headers)
    get_answer = stranger.get(REVIEWS, params={"site_id": str(item.site_id)}, headers=headers)
    for answer in (put_answer, get_answer):
        assert (answer.status_code, answer.json()["code"]) == (401, "service_token_refused")
