"""The feedback service's real application on a real PostgreSQL."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from feedback.app import create_app
from feedback.database import migrate
from feedback.settings import FeedbackSettings
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Modality, Priority

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def migrated_database(feedback_database: str) -> str:
    migrate(feedback_database)
    return feedback_database


@pytest.fixture
def settings(migrated_database: str) -> FeedbackSettings:
    return FeedbackSettings.model_validate(
        {
            "database_url": migrated_database,
            "feedback_token": secrets.token_hex(32),
            "database_pool_size": 2,
        }
    )


@pytest.fixture
def stranger(settings: FeedbackSettings) -> Iterator[TestClient]:
    """A caller without a token."""
    app = create_app(settings, clock=lambda: NOON)
    with TestClient(app, headers={"Content-Type": "application/json"}) as client:
        yield client


@pytest.fixture
def gateway(stranger: TestClient, settings: FeedbackSettings) -> TestClient:
    """The gateway: the caller with the token."""
    stranger.headers["Authorization"] = f"Bearer {settings.feedback_token.get_secret_value()}"
    return stranger


@pytest.fixture
def make_item() -> Callable[..., ReviewItem]:
    """Review items of one new site; keywords change single members."""
    site_id = uuid4()

    def make(**changes: object) -> ReviewItem:
        members = {
            "job_id": uuid4(),
            "study_id": uuid4(),
            "site_id": site_id,
            "modality": Modality.CT,
            "priority": Priority.ROUTINE,
            "disposition": Disposition.UNCERTAIN,
            "reason_code": "between_thresholds",
            "stroke_probability": 0.3,
            "model_version": "starter-1",
            "embedding_key": "studies/x/results/y/1/z/embedding.safetensors",
            "predicted_at": NOON,
        }
        return ReviewItem.model_validate(members | changes)

    return make
