"""Studies are erased when their time is over, everywhere, and never while somebody still has to look at them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from tests.gateway.analysis import Worker, prediction
from tests.gateway.installation import FeedbackService, Installation, Person
from tests.gateway.reviews.test_verdicts import judge
from tests.gateway.uploads import dicom_files, upload

from gateway.audit.models import ActorKind
from gateway.jobs.sweep import sweep
from gateway.queues import ERASE_EXPIRED
from gateway.settings import GatewaySettings
from gateway.studies.models import ErasedStudy, ErasureReason, Study, StudyState
from gateway.studies.retention import erase_expired
from gateway.triage.models import Alert
from ictus.contracts.cases import CasePage, DatasetRequest, TrainingDataset
from ictus.domain.enums import Disposition, Finding, ReviewState, Role
from ictus.http import RemoteError
from ictus.storage.keys import study_prefix

DAYS, DECIDED_DAYS = 30, 365


@pytest.fixture
def settings(
    make_settings: Callable[..., GatewaySettings], feedback_service: FeedbackService
) -> GatewaySettings:
    return make_settings(
        feedback_url=feedback_service.url,
        feedback_token=feedback_service.token,
        retention_days=DAYS,
        retention_decided_days=DECIDED_DAYS,
    )


@pytest.fixture
def answer(installation: Installation, browser: TestClient, worker: Worker) -> Callable[..., UUID]:
    """Uploads real files and answers them, with embeddings in the object store; the study's id."""

    def answered(
        seed: int = 0, disposition: Disposition = Disposition.CONFIDENT, finding: Finding = Finding.NORMAL
    ) -> UUID:
        study = upload(browser, *dicom_files(seed))
        job = worker.must_claim()
        result = prediction(job, disposition, finding)
        key = result.series[0].embedding_key
        assert key is not None
        vectors = np.ones((3, 8), dtype=np.float16)
        installation.resources.store.put_bytes(key, save({"embedding": vectors}), "application/octet-stream")
        assert worker.complete(job, result).status_code == 204
        sweep(installation.resources)
        return UUID(study["id"])

    return answered


def run_task(installation: Installation) -> None:
    """What the gateway's Celery process does by its schedule."""
    erase_expired(installation.resources, most=100)
    sweep(installation.resources)


def left(db: Session) -> set[UUID]:
    db.rollback()
    return set(db.scalars(select(Study.id)))


def test_a_study_goes_from_everywhere_when_its_time_is_over(
    installation: Installation, clinician: Person, answer: Callable[..., UUID], db: Session
) -> None:
    """Objects, rows, verdicts, cases with their embeddings; the datasets that held it are marked."""
    study = answer(disposition=Disposition.UNCERTAIN, finding=Finding.STROKE)
    review = judge(
        installation.add_person(Role.RADIOLOGIST, clinician.site_id).sign_in(), str(study), "normal"
    )
    feedback, store = installation.resources.feedback, installation.resources.store
    wish = DatasetRequest(embedding_space="5" * 64)
    dataset = feedback.call("POST", "/internal/v1/datasets", TrainingDataset, body=wish)
    address = f"/internal/v1/datasets/{dataset.dataset_id}"
    assert (dataset.cases, feedback.call("GET", address, TrainingDataset).erased_cases) == (1, 0)

    installation.clock.advance(days=DECIDED_DAYS - 1)
    run_task(installation)
    assert left(db) == {study}
    assert list(store.keys(study_prefix(study)))
    installation.clock.advance(days=2)
    run_task(installation)

    assert left(db) == set()
    assert list(store.keys(study_prefix(study))) == []
    (stone,) = db.scalars(select(ErasedStudy))
    assert (stone.study_id, stone.erased_by, stone.reason) == (study, None, ErasureReason.RETENTION_ENDED)
    assert feedback.call("GET", address, TrainingDataset).erased_cases == 1
    with pytest.raises(RemoteError) as erased:
        feedback.call("GET", f"{address}/embeddings", TrainingDataset)
    assert erased.value.remote_status == 410
    with pytest.raises(RemoteError) as gone:
        feedback.call("GET", f"/internal/v1/reviews/{review['job_id']}", TrainingDataset)
    assert gone.value.remote_status == 404
    cases = feedback.call("GET", f"/internal/v1/cases?site_id={clinician.site_id}", CasePage)
    assert cases.items == ()


def test_it_is_looked_every_hour(installation: Installation) -> None:
    every = {
        one["task"]: one["schedule"] for one in installation.resources.celery.conf.beat_schedule.values()
    }
    assert every[ERASE_EXPIRED] == 3600


def test_it_is_on_record_and_in_the_list_of_erasures(
    installation: Installation, clinician: Person, answer: Callable[..., UUID]
) -> None:
    study = answer()
    installation.clock.advance(days=DAYS + 1)
    run_task(installation)
    row = next(row for row in installation.audit() if row.action == "study.erase")
    assert (row.actor_kind, row.actor_id, row.object_id, row.site_id, row.detail) == (
        ActorKind.SYSTEM,
        None,
        str(study),
        clinician.site_id,
        {"reason": "retention_ended"},
    )
    admin = installation.add_person(Role.ADMIN, clinician.site_id).sign_in()
    (stone,) = admin.get("/api/v1/admin/erasures").json()["items"]
    assert (stone["erased_by"], stone["reason"]) == (None, "retention_ended")
    assert (stone["objects_removed"], stone["feedback_told"]) == (True, True)


def test_the_time_counts_from_what_last_happened(
    installation: Installation, clinician: Person, answer: Callable[..., UUID], db: Session
) -> None:
    study = answer()
    installation.clock.advance(days=DAYS - 1)
    with installation.resources.sessions.begin() as session:
        session.execute(update(Study).values(completed_at=installation.clock()))  # analysed again
    installation.clock.advance(days=2)
    run_task(installation)
    assert left(db) == {study}
    installation.clock.advance(days=DAYS)
    run_task(installation)
    assert left(db) == set()


@pytest.mark.parametrize(
    "waiting",
    [
        {"state": StudyState.HELD},
        {"state": StudyState.QUEUED},
        {"state": StudyState.RUNNING},
        {"review_state": ReviewState.OPEN},
        {"review_state": ReviewState.SECOND_READER},
        {"review_state": ReviewState.CONFLICT},
    ],
    ids=lambda waiting: next(iter(waiting.values())).value,
)
def test_what_somebody_still_has_to_look_at_stays(
    installation: Installation, answer: Callable[..., UUID], db: Session, waiting: dict[str, Any]
) -> None:
    study = answer()
    with installation.resources.sessions.begin() as session:
        session.execute(update(Study).values(**waiting))
    installation.clock.advance(days=10 * DECIDED_DAYS)
    assert erase_expired(installation.resources, most=10) == 0
    assert left(db) == {study}


def test_a_likely_stroke_that_nobody_took_on_stays(
    installation: Installation, answer: Callable[..., UUID], db: Session
) -> None:
    study = answer(finding=Finding.STROKE)
    with installation.resources.sessions.begin() as session:
        session.merge(
            Alert(
                study_id=study,
                site_id=session.get_one(Study, study).site_id,
                raised_at=installation.clock(),
                acknowledged_at=None,
            )
        )
    installation.clock.advance(days=DAYS + 1)
    assert erase_expired(installation.resources, most=10) == 0
    with installation.resources.sessions.begin() as session:
        session.execute(update(Alert).values(acknowledged_at=installation.clock(), acknowledged_by=uuid4()))
    assert erase_expired(installation.resources, most=10) == 1
    assert left(db) == set()


def test_the_oldest_go_first_and_a_run_ends(
    installation: Installation, answer: Callable[..., UUID], db: Session
) -> None:
    studies = []
    for seed in range(3):
        studies.append(answer(seed))
        installation.clock.advance(minutes=1)
    installation.clock.advance(days=DAYS + 1)
    assert erase_expired(installation.resources, most=2) == 2
    assert left(db) == {studies[-1]}


class TestWithoutSettings:
    """An installation that says nothing keeps everything."""

    @pytest.fixture
    def settings(
        self, make_settings: Callable[..., GatewaySettings], feedback_service: FeedbackService
    ) -> GatewaySettings:
        # compose hands on a variable that nobody set
        return make_settings(
            feedback_url=feedback_service.url, feedback_token=feedback_service.token, retention_days=""
        )

    def test_everything_is_kept(
        self, installation: Installation, answer: Callable[..., UUID], db: Session
    ) -> None:
        study = answer()
        installation.clock.advance(days=100 * 365)
        assert erase_expired(installation.resources, most=10) == 0
        assert left(db) == {study}


class TestWithOneSetting:
    """Decided studies are kept as long as others unless it is said otherwise."""

    @pytest.fixture
    def settings(
        self, make_settings: Callable[..., GatewaySettings], feedback_service: FeedbackService
    ) -> GatewaySettings:
        return make_settings(
            feedback_url=feedback_service.url, feedback_token=feedback_service.token, retention_days=DAYS
        )

    def test_decided_ones_go_as_the_others(
        self, installation: Installation, answer: Callable[..., UUID], db: Session
    ) -> None:
        answer()
        with installation.resources.sessions.begin() as session:
            session.execute(
                update(Study).values(
                    review_state=ReviewState.FINAL, reviewed_at=installation.clock() + timedelta(days=1)
                )
            )
        installation.clock.advance(days=DAYS)
        assert erase_expired(installation.resources, most=10) == 0
        installation.clock.advance(days=2)
        assert erase_expired(installation.resources, most=10) == 1
        assert left(db) == set()
