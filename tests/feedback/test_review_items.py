"""Results that wait for a reader: stored once, listed most urgent first, for the gateway only."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from ictus.contracts.reviews import ReviewItem, ReviewItemPage
from ictus.domain.enums import Disposition, Priority

from .conftest import NOON

MakeItem = Callable[..., ReviewItem]
ITEMS = "/internal/v1/review-items"


def put(client: TestClient, item: ReviewItem) -> int:
    answer = client.put(f"{ITEMS}/{item.job_id}", content=item.model_dump_json())
    return answer.status_code


def page(client: TestClient, site_id: UUID, **params: object) -> ReviewItemPage:
    answer = client.get(ITEMS, params={"site_id": str(site_id), "state": "open", **params})
    assert answer.status_code == 200, answer.text
    return ReviewItemPage.model_validate_json(answer.content)


def test_an_item_comes_back_as_it_was_put(gateway: TestClient, make_item: MakeItem) -> None:
    items = [
        make_item(),
        make_item(disposition=Disposition.UNSUITABLE, stroke_probability=None, embedding_key=None),
    ]
    for item in items:
        assert put(gateway, item) == 204
    assert {one.job_id: one for one in page(gateway, items[0].site_id).items} == {
        one.job_id: one for one in items
    }


def test_putting_an_item_again_changes_nothing(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item(predicted_at=NOON + timedelta(microseconds=123456))
    assert [put(gateway, item) for _ in range(3)] == [204, 204, 204]
    assert page(gateway, item.site_id).items == (item,)


def test_another_item_for_the_same_job_is_refused_and_the_first_stays(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = make_item()
    put(gateway, item)
    answer = gateway.put(f"{ITEMS}/{item.job_id}", content=make_item(job_id=item.job_id).model_dump_json())
    assert (answer.status_code, answer.json()["code"]) == (409, "review_item_differs")
    assert page(gateway, item.site_id).items == (item,)


def test_an_item_of_another_job_than_the_address_is_refused(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    answer = gateway.put(f"{ITEMS}/{uuid4()}", content=item.model_dump_json())
    assert (answer.status_code, answer.json()["code"]) == (422, "other_job")
    assert page(gateway, item.site_id).items == ()


def test_an_item_with_an_unknown_member_is_refused_without_quoting_it(
    gateway: TestClient, make_item: MakeItem
) -> None:
    body = make_item().model_dump(mode="json") | {"patient_name": "CANARY^NAME"}
    answer = gateway.put(f"{ITEMS}/{body['job_id']}", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "CANARY" not in answer.text


def test_the_most_urgent_come_first_and_then_the_longest_waiting(
    gateway: TestClient, make_item: MakeItem
) -> None:
    def at(minute: int, **changes: object) -> ReviewItem:
        return make_item(predicted_at=NOON + timedelta(minutes=minute), **changes)

    wanted = [
        at(9, priority=Priority.STAT, stroke_probability=0.6),
        at(2, priority=Priority.STAT, stroke_probability=None, disposition=Disposition.UNSUITABLE),
        at(8, priority=Priority.STAT),
        at(7, stroke_probability=0.5),
        at(1),
        at(3, stroke_probability=None, disposition=Disposition.NOT_VALIDATED),
        at(5),
    ]
    for item in sorted(wanted, key=lambda item: item.job_id):
        put(gateway, item)
    assert list(page(gateway, wanted[0].site_id).items) == wanted


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
        answer = page(gateway, items[0].site_id, **params)
        seen += [item.job_id for item in answer.items]
        cursor = answer.next_cursor
        if cursor is None:
            break
        put(gateway, make_item(priority=Priority.STAT))  # sorts before what is still to come
    assert sorted(seen) == sorted(item.job_id for item in items)


def test_the_last_page_says_that_it_is_the_last(gateway: TestClient, make_item: MakeItem) -> None:
    items = [make_item() for _ in range(4)]
    for item in items:
        put(gateway, item)
    assert page(gateway, items[0].site_id, limit=4).next_cursor is None
    assert page(gateway, items[0].site_id, limit=3).next_cursor is not None


def test_a_site_sees_its_own_items_only(gateway: TestClient, make_item: MakeItem) -> None:
    ours, theirs = make_item(), make_item(site_id=uuid4())
    put(gateway, ours)
    put(gateway, theirs)
    assert page(gateway, ours.site_id).items == (ours,)
    assert page(gateway, theirs.site_id).items == (theirs,)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "////",
        "bnVsbA==",
        "WzEsMl0=",
        "WzAsICJub29uIiwgIjAwIl0=",
        "WyIxIiwgIjIwMjYtMDEtMDEiLCAiMCJd",
        "é",
    ],
)
def test_a_cursor_from_elsewhere_is_refused(gateway: TestClient, cursor: str) -> None:
    answer = gateway.get(ITEMS, params={"site_id": str(uuid4()), "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_refused")


@pytest.mark.parametrize("token", [None, "Bearer wrong", "Basic wrong", "Bearer "])
def test_nobody_without_the_token_gets_in(
    stranger: TestClient, make_item: MakeItem, token: str | None
) -> None:
    headers = {"Authorization": token} if token else {}
    item = make_item()
    put_answer = stranger.put(f"{ITEMS}/{item.job_id}", content=item.model_dump_json(), headers=headers)
    get_answer = stranger.get(ITEMS, params={"site_id": str(item.site_id)}, headers=headers)
    for answer in (put_answer, get_answer):
        assert (answer.status_code, answer.json()["code"]) == (401, "service_token_refused")
