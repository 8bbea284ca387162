"""Going from one version of the tables to the next and back."""

from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import text
from tests.conftest import Postgres

import feedback.database
from feedback.database import create_feedback_engine, migrate
from ictus.database import alembic_config

from .conftest import NOON

_INSERT = (
    "INSERT INTO feedback.review_items (job_id, study_id, site_id, modality, priority, disposition, reason_code, "
    "stroke_probability, model_version, predicted_at, urgency, stored_at) "
    "VALUES (:job, :job, :job, 'CT', 'STAT', :disposition, 'x', :probability, 'starter-1', :at, 0, :at)"
)


def test_an_older_queue_survives_the_way_up_and_down(postgres: Postgres) -> None:
    with postgres.fresh_database("feedback") as url:
        migrate(url, "0001")
        engine = create_feedback_engine(url)
        ids = {"uncertain": uuid4(), "unsuitable": uuid4()}
        with engine.begin() as connection:
            for disposition, probability in (("uncertain", 0.7), ("unsuitable", None)):
                connection.execute(
                    text(_INSERT),
                    {
                        "job": ids[disposition],
                        "disposition": disposition,
                        "probability": probability,
                        "at": NOON,
                    },
                )
        migrate(url)
        with engine.begin() as connection:
            found = connection.execute(
                text("SELECT job_id, finding, state, revision, learning_rank FROM feedback.review_items")
            ).all()
            assert {row[0]: row[1:4] for row in found} == {
                ids["uncertain"]: ("stroke", "open", 0),
                ids["unsuitable"]: (None, "open", 0),
            }
            assert {row[0]: row[4] for row in found} == pytest.approx(
                {ids["uncertain"]: -0.6, ids["unsuitable"]: -1.0}
            )
            connection.execute(
                text("UPDATE feedback.review_items SET state = 'final' WHERE finding = 'stroke'")
            )
        config = alembic_config(feedback.database.MIGRATIONS, url)
        command.downgrade(config, "0001")
        with engine.connect() as connection:
            left = connection.scalars(text("SELECT job_id FROM feedback.review_items")).all()
            tables = connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'feedback'")
            ).all()
        assert left == [ids["unsuitable"]]
        assert sorted(tables) == ["alembic_version", "review_items"]
        migrate(url)
        command.downgrade(config, "base")
        engine.dispose()


def test_a_database_without_pgvector_is_refused_with_what_to_do(postgres: Postgres) -> None:
    import psycopg2
    from sqlalchemy import make_url

    with postgres.fresh_database("feedback") as url:
        with (
            psycopg2.connect(postgres.admin_dsn, dbname=make_url(url).database) as admin,
            admin.cursor() as cursor,
        ):
            cursor.execute("DROP EXTENSION vector")
        admin.close()
        with pytest.raises(RuntimeError, match="CREATE EXTENSION vector SCHEMA vector"):
            migrate(url)
