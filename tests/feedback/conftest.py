"""The feedback service's real application on a real PostgreSQL and a real S3 server."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save
from tests.conftest import Postgres, S3Server

from feedback.app import create_app
from feedback.database import migrate
from feedback.settings import FeedbackSettings
from ictus.contracts.reviews import Review, ReviewItem
from ictus.domain.enums import Disposition, Finding, Modality, Priority
from ictus.storage import ObjectStore
from ictus.storage.keys import embedding_key, result_prefix

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPACE = "5" * 64
FEATURES = 24
SLICES = 12

MakeItem = Callable[..., ReviewItem]


class Clock:
    """A clock that a test moves: each look at it is a second later."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture(scope="module")
def migrated_database(postgres: Postgres) -> Iterator[str]:
    with postgres.migrated_database("feedback", migrate) as url:
        yield url


@pytest.fixture(scope="module")
def objects(s3: S3Server) -> ObjectStore:
    """A bucket of the module's own, as the inference workers see it."""
    store = ObjectStore(s3.endpoint, s3.access_key, s3.secret_key, f"test-{uuid4().hex}", secure=False)
    store.ensure_bucket()
    return store


@pytest.fixture
def make_settings(
    migrated_database: str, s3: S3Server, objects: ObjectStore
) -> Callable[..., FeedbackSettings]:
    """The service's settings; keywords change single ones."""

    def make(**changes: object) -> FeedbackSettings:
        return FeedbackSettings.model_validate(
            {
                "database_url": migrated_database,
                "feedback_token": secrets.token_hex(32),
                "trainer_token": secrets.token_hex(32),
                "database_pool_size": 2,
                "s3_endpoint": s3.endpoint,
                "s3_access_key": s3.access_key,
                "s3_secret_key": s3.secret_key,
                "s3_bucket": objects.bucket,
                "s3_secure": False,
                "success_share": 0.0,
            }
            | changes
        )

    return make


@pytest.fixture
def settings(make_settings: Callable[..., FeedbackSettings]) -> FeedbackSettings:
    return make_settings()


@pytest.fixture
def serve(make_settings: Callable[..., FeedbackSettings]) -> Iterator[Callable[..., TestClient]]:
    """A service with other settings, as the gateway sees it."""
    opened: list[TestClient] = []

    def start(**changes: object) -> TestClient:
        chosen = make_settings(**changes)
        client = TestClient(create_app(chosen, clock=Clock()), headers=_headers(chosen.feedback_token))
        opened.append(client)
        return client.__enter__()

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def stranger(settings: FeedbackSettings) -> Iterator[TestClient]:
    """A caller without a token."""
    app = create_app(settings, clock=Clock())
    with TestClient(app, headers={"Content-Type": "application/json"}) as client:
        yield client


@pytest.fixture
def gateway(stranger: TestClient, settings: FeedbackSettings) -> TestClient:
    """The gateway: the caller that may ask for everything."""
    stranger.headers.update(_headers(settings.feedback_token))
    return stranger


@pytest.fixture
def trainer(stranger: TestClient, settings: FeedbackSettings) -> TestClient:
    """The trainer, on the application that ``gateway`` speaks to too."""
    return TestClient(stranger.app, headers=_headers(settings.trainer_token))


def _headers(token: object) -> dict[str, str]:
    value = token.get_secret_value()  # type: ignore[attr-defined]
    return {"Authorization": f"Bearer {value}", "Content-Type": "application/json"}


@pytest.fixture
def make_item() -> MakeItem:
    """Review items of one new site; keywords change single members. Without ``embedding_space`` none becomes a case."""
    site_id = uuid4()

    def make(**changes: object) -> ReviewItem:
        members = {
            "job_id": uuid4(),
            "study_id": uuid4(),
            "site_id": site_id,
            "series_id": uuid4(),
            "modality": Modality.CT,
            "priority": Priority.ROUTINE,
            "disposition": Disposition.UNCERTAIN,
            "reason_code": "between_thresholds",
            "finding": Finding.NORMAL,
            "stroke_probability": 0.3,
            "confidence": 0.7,
            "novelty": 0.5,
            "key_slices": (3, 4),
            "slice_scores": tuple(0.3 - 0.02 * index for index in range(SLICES)),
            "model_version": "starter-1",
            "embedding_key": None,
            "embedding_space": None,
            "patient_ref": uuid4(),
            "predicted_at": NOON,
        }
        return ReviewItem.model_validate(members | changes)

    return make


@pytest.fixture
def analysed(objects: ObjectStore, make_item: MakeItem) -> Callable[..., ReviewItem]:
    """A review item whose embeddings a worker has stored; ``direction`` says where in the space they lie."""

    def make(direction: int = 0, *, space: str = SPACE, **changes: object) -> ReviewItem:
        item = make_item(**changes)
        key = embedding_key(result_prefix(item.study_id, item.job_id, 1), item.series_id or uuid4())
        objects.put_bytes(
            key, save({"heatmap": np.zeros((2, 2), np.float32), "embedding": embedding(direction)})
        )
        return item.model_copy(update={"embedding_key": key, "embedding_space": space})

    return make


def embedding(direction: int) -> np.ndarray:
    """Embeddings of a series: (slices, features) f16, near one axis of the space, each slice with its own length."""
    values = np.full((SLICES, FEATURES), 0.01, np.float16)
    values[:, direction] = 1 + np.arange(SLICES, dtype=np.float16) / 16
    return values


def put(client: TestClient, item: ReviewItem) -> None:
    """Tell the service of a result."""
    answer = client.put(f"/internal/v1/review-items/{item.job_id}", content=item.model_dump_json())
    assert answer.status_code == 204, answer.text


def opinion(finding: Finding | None, **changes: object) -> dict[str, object]:
    """The body of a verdict by a new reader who saw revision 0."""
    members: dict[str, object] = {
        "reader_id": str(uuid4()),
        "agrees": False,
        "finding": finding,
        "confidence": "high",
        "expected_revision": 0,
    }
    return members | changes


def judge(client: TestClient, item: ReviewItem, finding: Finding | None, **changes: object) -> Review:
    """Have a reader say what they see, at the review's present revision."""
    present = read(client, item.job_id)
    body = {"agrees": finding is item.finding, "expected_revision": present.revision, **changes}
    answer = client.post(f"/internal/v1/reviews/{item.job_id}/verdicts", json=opinion(finding, **body))
    assert answer.status_code == 200, answer.text
    return Review.model_validate_json(answer.content)


def read(client: TestClient, job_id: UUID) -> Review:
    """The review as it is now."""
    answer = client.get(f"/internal/v1/reviews/{job_id}")
    assert answer.status_code == 200, answer.text
    return Review.model_validate_json(answer.content)
