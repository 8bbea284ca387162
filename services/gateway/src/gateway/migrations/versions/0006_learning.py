"""Trainings with their approvals, releases of models, rollouts, and the comparisons that they lead to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "gateway"
_QUEUE = "ix_jobs_queue"
_OPEN = "uq_jobs_study_open"


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _add_shadow_jobs()
    op.create_table(
        "trainings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("base_version", sa.Text(), nullable=False),
        sa.Column("candidate_version", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("dataset", postgresql.JSONB(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        _time("requested_at"),
        _time("not_before"),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=True),
        _time("lease_expires_at", nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        _time("progress_at", nullable=True),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("candidate_sha256", sa.Text(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(), nullable=True),
        sa.Column("gate", postgresql.JSONB(), nullable=True),
        _time("decided_at", nullable=True),
        sa.Column("rejected_by", sa.Uuid(), nullable=True),
        sa.Column("rejected_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_trainings"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_trainings_open",
        "trainings",
        [sa.text("(true)")],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running', 'cancelling')"),
    )
    op.create_index("uq_trainings_candidate", "trainings", ["candidate_version"], unique=True, schema=SCHEMA)
    op.create_index(
        "ix_trainings_requested",
        "trainings",
        [sa.text("requested_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
    )
    op.create_table(
        "training_attempts",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        _time("claimed_at"),
        _time("ended_at", nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        _of_training("training_attempts"),
        sa.PrimaryKeyConstraint("training_id", "fence", name="pk_training_attempts"),
        schema=SCHEMA,
    )
    op.create_table(
        "training_approvals",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("approver_id", sa.Uuid(), nullable=False),
        _time("approved_at"),
        _of_training("training_approvals"),
        sa.PrimaryKeyConstraint("training_id", "approver_id", name="pk_training_approvals"),
        schema=SCHEMA,
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=True),
        _time("released_at"),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_releases"),
        schema=SCHEMA,
    )
    op.create_table(
        "rollouts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("champion", sa.Text(), nullable=True),
        sa.Column("challenger", sa.Text(), nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        _time("set_at"),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_rollouts"),
        schema=SCHEMA,
    )
    op.create_table(
        "comparisons",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        _time("compared_at"),
        sa.Column("champion", sa.Text(), nullable=False),
        sa.Column("challenger", sa.Text(), nullable=False),
        sa.Column("champion_finding", sa.String(32), nullable=True),
        sa.Column("challenger_finding", sa.String(32), nullable=True),
        sa.Column("champion_disposition", sa.String(32), nullable=False),
        sa.Column("challenger_disposition", sa.String(32), nullable=False),
        sa.Column("champion_probability", sa.Double(), nullable=True),
        sa.Column("challenger_probability", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["gateway.jobs.id"], name="fk_comparisons_job_id_jobs", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_comparisons_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_comparisons"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_comparisons_pair",
        "comparisons",
        ["champion", "challenger", "compared_at", "job_id"],
        schema=SCHEMA,
    )
    op.create_index("ix_comparisons_study", "comparisons", ["study_id"], schema=SCHEMA)


def downgrade() -> None:
    for table in (
        "comparisons",
        "rollouts",
        "releases",
        "training_approvals",
        "training_attempts",
        "trainings",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.drop_index(_OPEN, "jobs", schema=SCHEMA)
    op.drop_index(_QUEUE, "jobs", schema=SCHEMA)
    op.execute("DELETE FROM gateway.jobs WHERE kind = 'shadow'")
    op.drop_index("ix_jobs_shadow_of", "jobs", schema=SCHEMA)
    op.drop_constraint("fk_jobs_shadow_of_jobs", "jobs", schema=SCHEMA)
    for column in ("claimed_version", "shadow_of", "kind"):
        op.drop_column("jobs", column, schema=SCHEMA)
    op.create_index(
        _OPEN,
        "jobs",
        ["study_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        _QUEUE,
        "jobs",
        [sa.text("(priority = 'STAT') DESC"), "created_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'queued'"),
    )


def _add_shadow_jobs() -> None:
    op.add_column(
        "jobs", sa.Column("kind", sa.String(32), nullable=False, server_default="primary"), schema=SCHEMA
    )
    op.alter_column("jobs", "kind", server_default=None, schema=SCHEMA)
    op.add_column("jobs", sa.Column("shadow_of", sa.Uuid(), nullable=True), schema=SCHEMA)
    op.add_column("jobs", sa.Column("claimed_version", sa.Text(), nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        "fk_jobs_shadow_of_jobs",
        "jobs",
        "jobs",
        ["shadow_of"],
        ["id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
        ondelete="CASCADE",
    )
    op.create_index("ix_jobs_shadow_of", "jobs", ["shadow_of"], schema=SCHEMA)
    op.drop_index(_OPEN, "jobs", schema=SCHEMA)
    op.drop_index(_QUEUE, "jobs", schema=SCHEMA)
    op.create_index(
        _OPEN,
        "jobs",
        ["study_id", "kind"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(
        _QUEUE,
        "jobs",
        [sa.text("(kind = 'shadow')"), sa.text("(priority = 'STAT') DESC"), "created_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'queued'"),
    )


def _of_training(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["training_id"],
        ["gateway.trainings.id"],
        name=f"fk_{table}_training_id_trainings",
        ondelete="CASCADE",
    )
