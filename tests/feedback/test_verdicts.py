"""Readers' verdicts: who decides, who must still read, and that nobody overwrites what they did not see."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from ictus.contracts.reviews import Region, ReviewItem
from ictus.domain.enums import (
    Disposition,
    Finding,
    HaemorrhageSubtype,
    ReviewState,
    SecondReaderReason,
)

from .conftest import MakeItem, judge, opinion, put, read

STROKE, NORMAL = Finding.STROKE, Finding.NORMAL


def confident(make_item: MakeItem, **changes: object) -> ReviewItem:
    members = {
        "disposition": Disposition.CONFIDENT,
        "finding": NORMAL,
        "stroke_probability": 0.1,
        "confidence": 0.9,
    }
    return make_item(**members | changes)


def refusal(
    client: TestClient, item: ReviewItem, finding: Finding | None, **changes: object
) -> tuple[int, str]:
    answer = client.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(finding, **changes))
    return answer.status_code, answer.json().get("code", answer.json().get("state"))


def test_one_reader_decides_an_uncertain_result(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    put(gateway, item)
    outline = Region(slice_index=3, points=((10.5, 20), (30, 20), (30, 40.25)))
    review = judge(
        gateway,
        item,
        STROKE,
        subtype=HaemorrhageSubtype.SUBDURAL,
        key_slices=[3, 4],
        regions=[outline.model_dump(mode="json")],
        comment="Thin, along the falx.",
    )
    assert (review.state, review.revision) == (ReviewState.FINAL, 1)
    assert (review.final_finding, review.final_subtype) == (STROKE, HaemorrhageSubtype.SUBDURAL)
    assert review.agrees_with_model is False
    assert review.decided_at is not None
    (verdict,) = review.verdicts
    assert (verdict.key_slices, verdict.regions, verdict.comment) == (
        (3, 4),
        (outline,),
        "Thin, along the falx.",
    )
    assert read(gateway, item.job_id) == review


def test_two_readers_who_disagree_wait_for_a_third_who_decides(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = confident(make_item)
    put(gateway, item)
    first = judge(gateway, item, STROKE, subtype="epidural")
    assert (first.state, first.second_reader_reason) == (
        ReviewState.SECOND_READER,
        SecondReaderReason.FLIPS_CONFIDENT_RESULT,
    )
    assert first.final_finding is None
    assert first.agrees_with_model is None
    second = judge(gateway, item, NORMAL)
    assert (second.state, second.decided_at) == (ReviewState.CONFLICT, None)
    third = judge(gateway, item, STROKE, subtype="epidural")
    assert (third.state, third.final_finding) == (ReviewState.FINAL, STROKE)
    assert third.final_subtype is HaemorrhageSubtype.EPIDURAL
    assert third.agrees_with_model is False
    assert [verdict.finding for verdict in third.verdicts] == [STROKE, NORMAL, STROKE]


def test_three_readers_of_three_minds_leave_the_conflict_open(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = confident(make_item)
    put(gateway, item)
    for finding in (STROKE, NORMAL, None):
        review = judge(gateway, item, finding)
    assert review.state is ReviewState.CONFLICT
    assert judge(gateway, item, None).state is ReviewState.CONFLICT  # two of four are no majority
    assert judge(gateway, item, None).final_finding is None


def test_a_second_reader_who_agrees_decides(gateway: TestClient, make_item: MakeItem) -> None:
    item = confident(make_item)
    put(gateway, item)
    judge(gateway, item, STROKE)
    assert judge(gateway, item, STROKE).state is ReviewState.FINAL


def test_confirming_a_confident_result_needs_one_reader_and_so_does_what_is_not_learned_from(
    gateway: TestClient, make_item: MakeItem
) -> None:
    confirmed, kept_out, unreadable = (confident(make_item) for _ in range(3))
    for item in (confirmed, kept_out, unreadable):
        put(gateway, item)
    assert judge(gateway, confirmed, NORMAL).agrees_with_model is True
    excluded = {"excluded_from_training": True, "exclusion_reason": "Motion."}
    assert judge(gateway, kept_out, STROKE, **excluded).state is ReviewState.FINAL
    assert judge(gateway, unreadable, None).state is ReviewState.FINAL


@pytest.mark.parametrize(("two_readers", "waits"), [("never", False), ("flips", False), ("always", True)])
def test_settings_say_which_results_are_read_twice(
    serve: Callable[..., TestClient], make_item: MakeItem, two_readers: str, waits: bool
) -> None:
    gateway, item = serve(two_readers=two_readers), make_item()
    put(gateway, item)
    review = judge(gateway, item, NORMAL)
    assert (review.state is ReviewState.SECOND_READER) is waits
    assert (review.second_reader_reason is SecondReaderReason.EVERY_RESULT) is waits


def test_a_reader_may_change_their_mind_until_the_review_is_final(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item, reader = confident(make_item), str(uuid4())
    put(gateway, item)
    judge(gateway, item, STROKE, reader_id=reader)
    review = judge(gateway, item, NORMAL, reader_id=reader)
    assert (review.state, review.revision, len(review.verdicts)) == (ReviewState.FINAL, 2, 1)
    later = refusal(gateway, item, STROKE, reader_id=reader, expected_revision=2)
    assert later == (409, "review_final")
    assert read(gateway, item.job_id) == review


def test_one_reader_twice_is_not_two_readers(gateway: TestClient, make_item: MakeItem) -> None:
    item, reader = confident(make_item), str(uuid4())
    put(gateway, item)
    for _ in range(3):
        review = judge(gateway, item, STROKE, reader_id=reader)
    assert (review.state, len(review.verdicts)) == (ReviewState.SECOND_READER, 1)


def test_a_verdict_on_an_older_revision_is_refused(gateway: TestClient, make_item: MakeItem) -> None:
    item = confident(make_item)
    put(gateway, item)
    review = judge(gateway, item, STROKE)
    assert refusal(gateway, item, STROKE, expected_revision=0) == (409, "review_changed")
    assert read(gateway, item.job_id) == review


def test_of_thirty_verdicts_at_once_exactly_one_wins_each_revision(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = confident(make_item)
    put(gateway, item)
    with ThreadPoolExecutor(30) as readers:
        first = list(readers.map(lambda _: refusal(gateway, item, STROKE), range(30)))
        second = list(
            readers.map(lambda _: refusal(gateway, item, NORMAL, agrees=True, expected_revision=1), range(30))
        )
    assert sorted(first) == [(200, "second_reader")] + [(409, "review_changed")] * 29
    assert sorted(second) == [(200, "conflict")] + [(409, "review_changed")] * 29
    review = read(gateway, item.job_id)
    assert (review.revision, [one.finding for one in review.verdicts]) == (2, [STROKE, NORMAL])


@pytest.mark.parametrize(("finding", "agrees"), [(NORMAL, False), (STROKE, True)])
def test_a_verdict_that_contradicts_itself_is_refused(
    gateway: TestClient, make_item: MakeItem, finding: Finding, agrees: bool
) -> None:
    item = make_item()
    put(gateway, item)
    assert refusal(gateway, item, finding, agrees=agrees) == (422, "verdict_contradicts_itself")
    assert read(gateway, item.job_id).verdicts == ()


def test_agreeing_without_naming_the_finding_means_the_models(
    gateway: TestClient, make_item: MakeItem
) -> None:
    item = make_item()
    put(gateway, item)
    assert judge(gateway, item, None, agrees=True).final_finding is NORMAL


@pytest.mark.parametrize(
    "marked",
    [
        {"key_slices": [12]},
        {"regions": [{"slice_index": 12, "points": [[0, 0], [1, 0], [1, 1]]}]},
    ],
)
def test_a_slice_that_the_series_does_not_have_cannot_be_marked(
    gateway: TestClient, make_item: MakeItem, marked: dict[str, object]
) -> None:
    item = make_item()
    put(gateway, item)
    assert refusal(gateway, item, STROKE, **marked) == (422, "slice_unknown")


@pytest.mark.parametrize(
    "wrong",
    [
        {"finding": "normal", "agrees": True, "subtype": "subdural"},
        {"excluded_from_training": True},
        {"exclusion_reason": "Motion."},
        {"comment": "x" * 2001},
        {"regions": [{"slice_index": 1, "points": [[0, 0], [1, 0]]}]},
    ],
)
def test_what_no_verdict_can_say_is_refused(
    gateway: TestClient, make_item: MakeItem, wrong: dict[str, object]
) -> None:
    item = make_item()
    put(gateway, item)
    body = opinion(STROKE) | wrong
    assert gateway.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=body).status_code == 422
    assert read(gateway, item.job_id).revision == 0


def test_any_text_can_be_kept(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    put(gateway, item)
    review = judge(gateway, item, STROKE, comment="Blutung\x00 links: 'ja', 100 % \U0001f9e0")
    assert review.verdicts[0].comment == "Blutung links: 'ja', 100 % \U0001f9e0"


def test_an_unknown_result_has_no_review(gateway: TestClient, make_item: MakeItem) -> None:
    item = make_item()
    assert refusal(gateway, item, STROKE) == (404, "not_found")
    assert gateway.get(f"/internal/v1/reviews/{item.job_id}").json()["code"] == "not_found"


# --- verdicts against a model that was all but certain ---


def certain(analysed: Callable[..., ReviewItem], direction: int, **changes: object) -> ReviewItem:
    members = {
        "disposition": Disposition.CONFIDENT,
        "finding": NORMAL,
        "stroke_probability": 0.01,
        "confidence": 0.99,
        "space": "outliers" + uuid4().hex,
    }
    return analysed(direction, **members | changes)


def test_a_verdict_against_near_certainty_is_held_whatever_the_settings_say(
    serve: Callable[..., TestClient], analysed: Callable[..., ReviewItem]
) -> None:
    gateway, item = serve(two_readers="never"), certain(analysed, 0)
    put(gateway, item)
    review = judge(gateway, item, STROKE)
    assert (review.state, review.second_reader_reason) == (
        ReviewState.SECOND_READER,
        SecondReaderReason.OUTLIER,
    )
    assert judge(gateway, item, STROKE).state is ReviewState.FINAL


def test_confirmed_cases_that_look_alike_support_a_verdict_and_others_do_not(
    serve: Callable[..., TestClient], analysed: Callable[..., ReviewItem]
) -> None:
    gateway, space = serve(two_readers="never"), "outliers" + uuid4().hex
    for direction, finding in ((2, STROKE), (7, NORMAL)):
        known = analysed(direction, space=space, finding=STROKE, stroke_probability=0.6)
        put(gateway, known)
        judge(gateway, known, finding, key_slices=[1, 2, 3, 4, 5] if finding is STROKE else [])
    supported, contradicted = (certain(analysed, direction, space=space) for direction in (2, 7))
    for item in (supported, contradicted):
        put(gateway, item)
    assert judge(gateway, supported, STROKE).state is ReviewState.FINAL
    assert judge(gateway, contradicted, STROKE).second_reader_reason is SecondReaderReason.OUTLIER


def test_without_embeddings_nothing_supports_a_verdict_against_near_certainty(
    serve: Callable[..., TestClient], analysed: Callable[..., ReviewItem]
) -> None:
    gateway, item = serve(two_readers="never", s3_endpoint="127.0.0.1:1"), certain(analysed, 0)
    put(gateway, item)
    assert judge(gateway, item, STROKE).second_reader_reason is SecondReaderReason.OUTLIER
