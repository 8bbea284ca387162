"""Studies with their series and sealed identity, jobs, results, the outbox and events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("study_uid", sa.Text(), nullable=False),
        sa.Column("modality", sa.String(32), nullable=False),
        sa.Column("priority", sa.String(32), nullable=False),
        sa.Column("hold_reasons", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("left_out", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        _time("received_at"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        _time("analysis_started_at", nullable=True),
        _time("completed_at", nullable=True),
        sa.Column("disposition", sa.String(32), nullable=True),
        sa.Column("finding", sa.String(32), nullable=True),
        sa.Column("stroke_probability", sa.Double(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_studies_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("site_id", "content_sha256", name="uq_studies_site_content"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_studies_by_received",
        "studies",
        ["site_id", sa.text("received_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_studies_by_state",
        "studies",
        ["site_id", "state", sa.text("received_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
    )
    op.create_index(
        "ix_studies_by_urgency",
        "studies",
        ["site_id", "urgency", sa.text("received_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("modality", sa.String(32), nullable=False),
        sa.Column("modality_stated", sa.Boolean(), nullable=False),
        sa.Column("source_format", sa.String(32), nullable=False),
        sa.Column("series_uid", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("body_part", sa.Text(), nullable=True),
        sa.Column("volume_key", sa.Text(), nullable=False),
        sa.Column("volume_sha256", sa.Text(), nullable=False),
        sa.Column("voxels_offset", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("units", sa.String(32), nullable=False),
        sa.Column("slices", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("spacing_mm", sa.ARRAY(sa.Double()), nullable=True),
        sa.Column("source_files", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_series_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        schema=SCHEMA,
    )
    op.create_index("ix_series_study", "series", ["study_id", "position"], schema=SCHEMA)
    op.create_table(
        "patient_identities",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("original_uids", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["gateway.studies.id"],
            name="fk_patient_identities_study_id_studies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", name="pk_patient_identities"),
        schema=SCHEMA,
    )
    op.create_table(
        "object_removals",
        sa.Column("prefix", sa.Text(), nullable=False),
        _time("remove_after"),
        sa.PrimaryKeyConstraint("prefix", name="pk_object_removals"),
        schema=SCHEMA,
    )
    op.create_index("ix_object_removals_due", "object_removals", ["remove_after"], schema=SCHEMA)
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("priority", sa.String(32), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        _time("created_at"),
        _time("not_before"),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=True),
        _time("lease_expires_at", nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(32), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        _time("progress_at", nullable=True),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_jobs_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_jobs_failed",
        "jobs",
        ["finished_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "ix_jobs_leases",
        "jobs",
        ["lease_expires_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_jobs_queue",
        "jobs",
        [sa.text("(priority = 'STAT') DESC"), "created_at", "id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_jobs_study", "jobs", ["study_id", "created_at"], schema=SCHEMA)
    op.create_index(
        "uq_jobs_study_open",
        "jobs",
        ["study_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "job_attempts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        _time("claimed_at"),
        _time("ended_at", nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("failure_code", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["gateway.jobs.id"], name="fk_job_attempts_job_id_jobs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "fence", name="pk_job_attempts"),
        schema=SCHEMA,
    )
    op.create_table(
        "results",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        _time("completed_at"),
        sa.Column("prediction", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["gateway.jobs.id"], name="fk_results_job_id_jobs", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_results_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_results"),
        schema=SCHEMA,
    )
    op.create_index("ix_results_study", "results", ["study_id", "completed_at"], schema=SCHEMA)
    # ### end Alembic commands ###
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        _time("created_at"),
        _time("next_attempt_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("delivered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("topic", "subject_id", name="uq_outbox_topic_subject"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_attempt_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        _time("at"),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        schema=SCHEMA,
    )
    op.create_index("ix_events_at", "events", ["at"], schema=SCHEMA)
    op.create_index("ix_events_site", "events", ["site_id", "id"], schema=SCHEMA)
    op.create_index("ix_events_study", "events", ["study_id", "id"], schema=SCHEMA)


def downgrade() -> None:
    for table in (
        "events",
        "outbox",
        "results",
        "job_attempts",
        "jobs",
        "object_removals",
        "patient_identities",
        "series",
        "studies",
    ):
        op.drop_table(table, schema=SCHEMA)
