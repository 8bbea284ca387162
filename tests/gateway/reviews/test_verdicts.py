"""Verdicts of readers, taken down by a real feedback service, and what the gateway shows of them."""

import socket
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation, Person

from gateway.auth.models import Scope
from gateway.events.models import EventRow
from gateway.settings import GatewaySettings
from ictus.contracts.reviews import Review, VerdictRequest
from ictus.domain.enums import Disposition, Finding, ReaderConfidence, Role

Answer = Callable[..., str]


def review_of(browser: TestClient, study_id: str) -> dict[str, Any]:
    answer = browser.get(f"/api/v1/studies/{study_id}/review")
    assert answer.status_code == 200, answer.text
    review: dict[str, Any] = answer.json()
    return review


def study_of(browser: TestClient, study_id: str) -> dict[str, Any]:
    study: dict[str, Any] = browser.get(f"/api/v1/studies/{study_id}").json()
    return study


def draft(review: dict[str, Any], finding: str | None, **members: object) -> dict[str, object]:
    """A verdict on a review as it was read."""
    return {
        "job_id": review["job_id"],
        "expected_revision": review["revision"],
        "agrees": finding == review["finding"],
        "finding": finding,
        "confidence": "high",
        **members,
    }


def judge(browser: TestClient, study_id: str, finding: str | None, **members: object) -> dict[str, Any]:
    """Read the review and give a verdict that must be taken."""
    body = draft(review_of(browser, study_id), finding, **members)
    answer = browser.post(f"/api/v1/studies/{study_id}/review/verdicts", json=body)
    assert answer.status_code == 200, answer.text
    review: dict[str, Any] = answer.json()
    return review


def test_one_reader_decides_an_uncertain_result_and_the_clinician_sees_it(
    installation: Installation, radiologist: Person, answer: Answer, db: Session
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    clinician = installation.add_person(Role.CLINICIAN, radiologist.site_id).sign_in()
    before = study_of(clinician, study_id)
    assert (before["review_state"], before["reviewed_finding"], before["reviewed_at"]) == ("open", None, None)

    review = judge(radiologist.sign_in(), study_id, "normal", key_slices=[1], comment="Calcification.")
    assert (review["state"], review["final_finding"], review["agrees_with_model"]) == (
        "final",
        "normal",
        False,
    )
    assert (review["may_judge"], review["why"]) == (False, "The review is final.")

    after = study_of(clinician, study_id)
    assert (after["review_state"], after["reviewed_finding"]) == ("final", "normal")
    assert after["reviewed_at"] is not None
    assert after["urgency"] > before["urgency"], "the readers' finding orders the worklist"
    (line,) = clinician.get("/api/v1/studies").json()["items"]
    assert (line["review_state"], line["reviewed_finding"]) == ("final", "normal")
    (seen,) = review_of(clinician, study_id)["verdicts"]
    assert (seen["reader_name"], seen["mine"], seen["comment"]) == ("Test Person", False, "Calcification.")
    last = db.scalars(select(EventRow).order_by(EventRow.id.desc())).first()
    assert last is not None
    assert (last.body["kind"], last.body["review_state"], last.body["finding"]) == (
        "review.changed",
        "final",
        "normal",
    )


def test_a_confident_result_is_flipped_by_two_readers_who_read_apart(
    radiologist: Person, colleague: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.CONFIDENT, finding=Finding.STROKE)
    first, second = radiologist.sign_in(), colleague.sign_in()
    review = judge(first, study_id, "normal")
    assert (review["state"], review["second_reader_reason"]) == ("second_reader", "flips_confident_result")
    assert study_of(first, study_id)["reviewed_finding"] is None

    unread = review_of(second, study_id)
    assert (unread["verdicts"], unread["hidden_verdicts"]) == ([], 1)
    assert (unread["why"], unread["second_reader_reason"]) == ("Another reader is needed.", None)
    (line,) = second.get("/api/v1/reviews").json()["items"]
    assert (line["why"], line["judged_by_me"], line["verdict_count"]) == (
        "Another reader is needed.",
        False,
        1,
    )

    final = judge(second, study_id, "normal")
    assert (final["state"], final["final_finding"], final["agrees_with_model"]) == ("final", "normal", False)
    assert [verdict["mine"] for verdict in final["verdicts"]] == [False, True]
    items = first.get("/api/v1/reviews", params={"state": "final"}).json()["items"]
    assert [(item["study"]["id"], item["judged_by_me"]) for item in items] == [(study_id, True)]


def test_two_readers_who_disagree_wait_for_a_third(
    installation: Installation, radiologist: Person, colleague: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.CONFIDENT, finding=Finding.STROKE)
    judge(radiologist.sign_in(), study_id, "normal")
    assert judge(colleague.sign_in(), study_id, "stroke")["state"] == "conflict"
    third = installation.add_person(Role.RADIOLOGIST, radiologist.site_id).sign_in()
    assert review_of(third, study_id)["why"] == "Two readers disagree: a third reader decides."
    final = judge(third, study_id, "stroke", subtype="subdural")
    assert (final["state"], final["final_finding"], final["agrees_with_model"]) == ("final", "stroke", True)


def test_a_stale_verdict_is_refused_with_the_present_review(
    radiologist: Person, colleague: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.CONFIDENT, finding=Finding.STROKE)
    slow, quick = radiologist.sign_in(), colleague.sign_in()
    stale = draft(review_of(slow, study_id), "stroke")
    judge(quick, study_id, "normal")
    refused = slow.post(f"/api/v1/studies/{study_id}/review/verdicts", json=stale)
    assert (refused.status_code, refused.json()["code"]) == (409, "review_changed")
    present = refused.json()["review"]
    assert (present["state"], present["revision"], present["hidden_verdicts"]) == ("second_reader", 1, 1)
    accepted = slow.post(
        f"/api/v1/studies/{study_id}/review/verdicts", json=stale | {"expected_revision": present["revision"]}
    )
    assert accepted.json()["state"] == "conflict"


def test_a_decided_review_takes_no_verdict_any_more(
    radiologist: Person, colleague: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    final = judge(radiologist.sign_in(), study_id, "stroke")
    refused = colleague.sign_in().post(
        f"/api/v1/studies/{study_id}/review/verdicts", json=draft(final, "stroke")
    )
    assert (refused.status_code, refused.json()["review"]["state"]) == (409, "final")


def test_a_verdict_on_a_result_that_another_has_replaced_is_refused(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    browser = radiologist.sign_in()
    read = review_of(browser, study_id)
    browser.post(f"/api/v1/studies/{study_id}/analyses", json={})
    worker = Worker.of(installation)
    job = worker.must_claim()
    worker.complete(job, prediction(job, Disposition.CONFIDENT, Finding.NORMAL))
    refused = browser.post(f"/api/v1/studies/{study_id}/review/verdicts", json=draft(read, "stroke"))
    assert (refused.status_code, refused.json()["code"]) == (409, "review_changed")
    assert refused.json()["review"]["job_id"] == str(job.job_id)


def test_a_readers_finding_stays_when_the_model_answers_again(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.NORMAL)
    browser = radiologist.sign_in()
    judge(browser, study_id, "stroke")
    browser.post(f"/api/v1/studies/{study_id}/analyses", json={})
    worker = Worker.of(installation)
    job = worker.must_claim()
    worker.complete(job, prediction(job, Disposition.CONFIDENT, Finding.NORMAL))
    study = study_of(browser, study_id)
    assert (study["finding"], study["review_state"]) == ("normal", "optional")
    assert (study["reviewed_finding"], study["urgency"]) == ("stroke", 0)


def test_a_result_that_feedback_has_not_heard_of_is_introduced(radiologist: Person, answer: Answer) -> None:
    study_id = answer(Disposition.CONFIDENT, finding=Finding.STROKE, told=False)
    review = judge(radiologist.sign_in(), study_id, "stroke")
    assert (review["state"], review["agrees_with_model"]) == ("final", True)


def test_an_answer_of_feedback_that_was_lost_is_made_good_by_the_next_look(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    browser = radiologist.sign_in()
    review = review_of(browser, study_id)
    verdict = VerdictRequest(
        reader_id=radiologist.user_id,
        agrees=True,
        finding=Finding.STROKE,
        confidence=ReaderConfidence.HIGH,
        expected_revision=review["revision"],
    )
    path = f"/internal/v1/reviews/{review['job_id']}/verdicts"
    installation.resources.feedback.call("POST", path, Review, body=verdict)
    assert study_of(browser, study_id)["review_state"] == "open"
    browser.get("/api/v1/reviews", params={"state": "all"})
    assert study_of(browser, study_id)["review_state"] == "final"


@pytest.mark.parametrize(
    "members",
    [
        {"finding": "normal", "agrees": False, "subtype": "subdural"},
        {"excluded_from_training": True},
        {"agrees": True, "finding": "normal"},
        {"key_slices": [99]},
        {"reader_id": str(uuid4())},
    ],
)
def test_a_verdict_that_cannot_be_is_refused(
    radiologist: Person, answer: Answer, members: dict[str, object]
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    browser = radiologist.sign_in()
    review = review_of(browser, study_id)
    body = draft(review, "stroke") | members
    refused = browser.post(f"/api/v1/studies/{study_id}/review/verdicts", json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert review_of(browser, study_id)["revision"] == 0


def test_only_radiologists_of_the_site_judge(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    body = draft(review_of(radiologist.sign_in(), study_id), "stroke")
    address = f"/api/v1/studies/{study_id}/review/verdicts"
    for role in (Role.CLINICIAN, Role.ADMIN):
        person = installation.add_person(role, radiologist.site_id).sign_in()
        assert person.post(address, json=body).status_code == 403
        assert review_of(person, study_id)["may_judge"] is False
    key = installation.add_api_client(Scope.REVIEWS_WRITE, Scope.REVIEWS_READ, site_id=radiologist.site_id)
    assert key.post(address, json=body).status_code == 403
    stranger = installation.add_person(Role.RADIOLOGIST).sign_in()
    assert stranger.post(address, json=body).status_code == 404
    assert stranger.get(f"/api/v1/studies/{study_id}/review").status_code == 404


def test_a_study_without_an_answer_cannot_be_reviewed(
    installation: Installation, radiologist: Person
) -> None:
    study_id = add_study(installation, radiologist.site_id)
    refused = radiologist.sign_in().get(f"/api/v1/studies/{study_id}/review")
    assert (refused.status_code, refused.json()["code"]) == (409, "review_not_ready")


def test_a_verdict_leaves_a_trail_without_its_comment(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    study_id = answer(Disposition.UNCERTAIN, finding=Finding.STROKE)
    review = judge(radiologist.sign_in(), study_id, "stroke", comment="a comment")
    row = installation.audit()[-1]
    assert (row.action, row.object_id, row.actor_id) == ("review.judge", study_id, radiologist.user_id)
    assert row.detail == {"job_id": review["job_id"], "agrees": True, "revision": 0, "state": "final"}


def test_the_site_sees_how_often_its_readers_agree_with_the_model(
    installation: Installation, radiologist: Person, answer: Answer
) -> None:
    browser = radiologist.sign_in()
    judge(browser, answer(Disposition.UNCERTAIN, finding=Finding.STROKE), "stroke")
    judge(browser, answer(Disposition.UNCERTAIN, finding=Finding.STROKE), "normal")
    told = browser.get("/api/v1/reviews/agreement").json()
    assert (told["final"], told["corrected"]) == (2, 1)
    assert (told["reader_model"]["compared"], told["reader_model"]["agreed"]) == (2, 1)
    stranger = installation.add_person(Role.RADIOLOGIST).sign_in()
    assert stranger.get("/api/v1/reviews/agreement").json()["verdicts"] == 0


class TestWithoutFeedback:
    """The feedback service is down."""

    @pytest.fixture
    def settings(self, make_settings: Callable[..., GatewaySettings]) -> GatewaySettings:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        return make_settings(feedback_url=f"http://127.0.0.1:{port}")

    def test_reading_and_judging_say_that_a_part_does_not_answer_and_the_study_can_be_read(
        self, installation: Installation, radiologist: Person
    ) -> None:
        study_id = add_study(installation, radiologist.site_id)
        worker = Worker.of(installation)
        job = worker.must_claim()
        worker.complete(job)
        browser = radiologist.sign_in()
        read = browser.get(f"/api/v1/studies/{study_id}/review")
        body = {
            "job_id": str(job.job_id),
            "expected_revision": 0,
            "agrees": True,
            "finding": "stroke",
            "confidence": "low",
        }
        judged = browser.post(f"/api/v1/studies/{study_id}/review/verdicts", json=body)
        assert {read.status_code, judged.status_code} == {503}
        assert {read.json()["code"], judged.json()["code"]} == {"unavailable"}
        assert UUID(study_of(browser, str(study_id))["id"]) == study_id
