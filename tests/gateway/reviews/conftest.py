"""Analysed studies of a site with two radiologists, and a real feedback service that has heard of them."""

from collections.abc import Callable

import pytest
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import FeedbackService, Installation, Person

from gateway.results.outbox import relay_outbox
from gateway.settings import GatewaySettings
from ictus.domain.enums import Disposition, Finding, Priority, Role


@pytest.fixture
def settings(
    make_settings: Callable[..., GatewaySettings], feedback_service: FeedbackService
) -> GatewaySettings:
    return make_settings(feedback_url=feedback_service.url, feedback_token=feedback_service.token)


@pytest.fixture
def radiologist(installation: Installation) -> Person:
    return installation.add_person(Role.RADIOLOGIST)


@pytest.fixture
def colleague(installation: Installation, radiologist: Person) -> Person:
    return installation.add_person(Role.RADIOLOGIST, radiologist.site_id)


@pytest.fixture
def answer(installation: Installation, radiologist: Person) -> Callable[..., str]:
    """Analyse a study of the radiologist's site and tell the feedback service; the study's id."""
    worker = Worker.of(installation)

    def complete(
        disposition: Disposition,
        priority: Priority = Priority.ROUTINE,
        finding: Finding | None = None,
        *,
        told: bool = True,
    ) -> str:
        study_id = add_study(installation, radiologist.site_id, priority)
        job = worker.must_claim()
        assert worker.complete(job, prediction(job, disposition, finding)).status_code == 204
        resources = installation.resources
        if told:
            relay_outbox(resources.sessions, resources.feedback, installation.clock(), most=10)
        installation.clock.advance(seconds=1)
        return str(study_id)

    return complete
