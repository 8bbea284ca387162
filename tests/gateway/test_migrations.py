"""Going from one release's tables to the next and back, with studies in them."""

import pytest
from sqlalchemy import text
from tests.conftest import Postgres
from tests.gateway.analysis import Worker, add_study
from tests.gateway.installation import Installation

from gateway.database import MIGRATIONS, SCHEMA, TABLES, create_gateway_engine, migrate
from ictus.database import ReleaseTables, TablesBehindError

LEARNING = "0006"
"""The tables of the first release that learned from readers."""


def test_studies_survive_the_way_back_and_forward(installation: Installation) -> None:
    study = add_study(installation, installation.add_site())
    worker = Worker.of(installation)
    assert worker.complete(worker.must_claim()).status_code == 204
    url = installation.resources.settings.database_url.get_secret_value()
    answers = text(
        "SELECT s.id, j.state, r.model_version FROM gateway.studies s JOIN gateway.jobs j ON j.study_id = s.id "
        "JOIN gateway.results r ON r.job_id = j.id"
    )
    with installation.resources.engine.connect() as connection:
        before = connection.execute(answers).all()
    try:
        migrate(url, LEARNING)
        with installation.resources.engine.connect() as connection:
            assert connection.execute(answers).all() == before
    finally:
        migrate(url)
    with installation.resources.engine.connect() as connection:
        assert connection.execute(answers).all() == before
    assert [row[0] for row in before] == [study]


def test_a_release_is_ready_once_its_migrations_have_run(installation: Installation) -> None:
    url = installation.resources.settings.database_url.get_secret_value()
    browser = installation.browser()
    assert browser.get("/health/ready").status_code == 200
    try:
        migrate(url, LEARNING)
        answer = browser.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["missing"] == ["database"]
    finally:
        migrate(url)
    assert browser.get("/health/ready").status_code == 200


def test_a_later_releases_tables_are_good_enough(postgres: Postgres) -> None:
    with postgres.fresh_database("gateway") as url:
        migrate(url)
        engine = create_gateway_engine(url)
        with engine.begin() as connection:
            TABLES.check(connection)
            connection.execute(text("UPDATE gateway.alembic_version SET version_num = '9999'"))
            TABLES.check(connection)
            connection.execute(text("UPDATE gateway.alembic_version SET version_num = '0001'"))
            with pytest.raises(TablesBehindError):
                ReleaseTables(MIGRATIONS, SCHEMA).check(connection)
        engine.dispose()
