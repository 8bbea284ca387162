"""The operators' look at an installation."""

import pytest
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation

from ictus.domain.enums import Role


@pytest.fixture(autouse=True)
def silent_bell(installation: Installation) -> None:
    installation.resources.redis.flushdb()


def test_each_part_is_asked_and_a_silent_one_does_not_hide_the_others(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN).sign_in()
    seen = admin.get("/api/v1/admin/operations").json()
    # no feedback service and no registry belong to this installation
    assert {part["name"]: part["ok"] for part in seen["parts"]} == {
        "database": True,
        "redis": True,
        "objects": True,
        "feedback": False,
        "registry": False,
    }
    assert 0 < seen["spool_free_bytes"] <= seen["spool_bytes"]


def test_workers_and_answer_times_are_those_of_the_last_day(installation: Installation) -> None:
    admin = installation.add_person(Role.ADMIN)
    site = installation.add_site()
    busy, failing = Worker.of(installation, "busy"), Worker.of(installation, "failing")
    for _ in range(2):
        add_study(installation, site)
        job = busy.must_claim()
        installation.clock.advance(seconds=4)
        assert busy.complete(job).status_code == 204
    add_study(installation, site)
    assert failing.fail(failing.must_claim(), retryable=False).status_code == 204
    seen = admin.sign_in().get("/api/v1/admin/operations").json()
    assert seen["answers"] == {"answered": 2, "median_seconds": 4.0, "p95_seconds": 4.0}
    assert {
        worker["worker_id"]: (worker["running"], worker["answered"], worker["gave_up"])
        for worker in seen["workers"]
    } == {"busy": (0, 2, 0), "failing": (0, 0, 1)}
    figures = {(one["name"], *one["labels"].values()): one["value"] for one in seen["figures"]}
    assert figures["ictus_jobs", "failed"] == 1
    assert figures["ictus_drift_alarms", "novelty"] == 0
    installation.clock.advance(hours=25)
    later = admin.sign_in().get("/api/v1/admin/operations").json()
    assert (later["workers"], later["answers"]["median_seconds"]) == ([], None)


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.RADIOLOGIST])
def test_it_is_for_administrators(installation: Installation, role: Role) -> None:
    assert installation.add_person(role).sign_in().get("/api/v1/admin/operations").status_code == 403
