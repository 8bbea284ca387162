"""What Prometheus is told of queues and answers."""

import re
from uuid import UUID

import pytest
from tests.gateway.analysis import Worker, add_study, prediction
from tests.gateway.installation import Installation

from ictus.contracts.prediction import HeadIntensity
from ictus.domain.enums import Disposition, Priority


@pytest.fixture(autouse=True)
def silent_bell(installation: Installation) -> None:
    installation.resources.redis.flushdb()


def scrape(installation: Installation) -> dict[str, float]:
    """Every sample, by its name and labels as they are written."""
    told = installation.browser().get("/metrics").text
    samples = (line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def test_the_queue_is_told_as_the_database_has_it(installation: Installation) -> None:
    site = installation.add_site()
    add_study(installation, site)
    installation.clock.advance(seconds=40)
    add_study(installation, site, Priority.STAT)
    told = scrape(installation)
    assert told['ictus_jobs{state="queued"}'] == 2
    assert told['ictus_jobs{state="queued_stat"}'] == 1
    assert told['ictus_jobs{state="running"}'] == 0
    assert told["ictus_oldest_queued_job_seconds"] == 40
    assert told["ictus_database_up"] == 1


def test_scrapes_in_a_row_ask_the_database_once(installation: Installation) -> None:
    assert scrape(installation)['ictus_jobs{state="queued"}'] == 0
    add_study(installation, installation.add_site())
    assert scrape(installation)['ictus_jobs{state="queued"}'] == 0
    installation.clock.advance(seconds=6)
    assert scrape(installation)['ictus_jobs{state="queued"}'] == 1


def test_an_answer_is_counted_once_with_the_time_that_it_took(installation: Installation) -> None:
    add_study(installation, installation.add_site())
    worker = Worker.of(installation)
    installation.clock.advance(seconds=4)
    job = worker.must_claim()
    installation.clock.advance(seconds=3)
    intensity = HeadIntensity(mean=0.56, deviation=0.22, p05=0.3, median=0.5, p95=1)
    answer = prediction(job, Disposition.UNCERTAIN, novelty=0.8, intensity=intensity)
    assert worker.complete(job, answer).status_code == 204
    assert worker.complete(job, answer).status_code == 204
    told = scrape(installation)
    sums = {
        stage: told[f'ictus_answer_seconds_sum{{priority="{Priority.ROUTINE}",stage="{stage}"}}']
        for stage in ("queued", "analysed", "total")
    }
    assert sums == {"queued": 4, "analysed": 3, "total": 7}
    (counted,) = [value for name, value in told.items() if name.startswith("ictus_answers_total{")]
    assert counted == 1
    assert told['ictus_answer_novelty_sum{modality="CT"}'] == pytest.approx(0.8)
    assert told['ictus_answer_intensity_sum{modality="CT"}'] == pytest.approx(0.56)


def test_a_silent_worker_shows(installation: Installation) -> None:
    add_study(installation, installation.add_site())
    Worker.of(installation).must_claim()
    installation.clock.advance(seconds=installation.resources.settings.lease_seconds + 1)
    assert scrape(installation)["ictus_expired_leases"] == 1


def test_no_figure_names_anybody_or_any_study(installation: Installation) -> None:
    study: UUID = add_study(installation, installation.add_site())
    worker = Worker.of(installation)
    worker.complete(worker.must_claim())
    told = installation.browser().get("/metrics").text
    assert str(study) not in told
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", told)
