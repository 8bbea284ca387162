"""Verdicts, confirmed cases with their embeddings, datasets, tombstones, and the service's own audit trail."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from feedback.vectors import HalfVector

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "feedback"

_WAITING = sa.text("state IN ('open', 'second_reader', 'conflict')")
_REFUSE_CHANGE = """
CREATE FUNCTION feedback.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_REVIEW_COLUMNS = (
    "series_id",
    "finding",
    "confidence",
    "novelty",
    "key_slices",
    "slice_scores",
    "embedding_space",
    "patient_ref",
    "learning_rank",
    "state",
    "revision",
    "second_reader_reason",
    "final_finding",
    "final_subtype",
    "decided_at",
    "agrees_with_model",
)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _word(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), nullable=nullable)


def upgrade() -> None:
    _require_vectors()
    _extend_review_items()
    _create_verdicts()
    _create_cases()
    _create_datasets()
    _create_trail()


def _require_vectors() -> None:
    """The service's role may not make the extension: whoever made the databases does (docs/operations.md)."""
    if op.get_bind().scalar(sa.text("SELECT to_regtype('vector.halfvec')")) is None:
        raise RuntimeError(
            "The database lacks pgvector in the schema 'vector'. As its superuser: CREATE SCHEMA vector; "
            "CREATE EXTENSION vector SCHEMA vector; GRANT USAGE ON SCHEMA vector TO feedback;"
        )


def _extend_review_items() -> None:
    whole, fraction = sa.Integer(), sa.Double[float]()
    columns: list[sa.Column[Any]] = [
        sa.Column("series_id", sa.Uuid(), nullable=True),
        _word("finding"),
        sa.Column("confidence", fraction, nullable=True),
        sa.Column("novelty", fraction, nullable=True),
        sa.Column("key_slices", sa.ARRAY(whole), nullable=False, server_default="{}"),
        sa.Column("slice_scores", sa.ARRAY(fraction), nullable=False, server_default="{}"),
        sa.Column("embedding_space", sa.String(128), nullable=True),
        sa.Column("patient_ref", sa.Uuid(), nullable=True),
        sa.Column("learning_rank", fraction, nullable=False, server_default="0"),
        sa.Column("state", sa.String(32), nullable=False, server_default="open"),
        sa.Column("revision", whole, nullable=False, server_default="0"),
        _word("second_reader_reason"),
        _word("final_finding"),
        _word("final_subtype"),
        _time("decided_at", nullable=True),
        sa.Column("agrees_with_model", sa.Boolean(), nullable=True),
    ]
    for column in columns:
        op.add_column("review_items", column, schema=SCHEMA)
    # what revision 0001 stored is uncertain, unsuitable or not validated; of these only the uncertain have a finding
    op.execute(
        "UPDATE feedback.review_items SET "
        "finding = CASE WHEN disposition = 'uncertain' AND stroke_probability IS NOT NULL "
        "THEN CASE WHEN stroke_probability >= 0.5 THEN 'stroke' ELSE 'normal' END END, "
        "learning_rank = abs(2 * coalesce(stroke_probability, 0.5) - 1) - 1"
    )
    for name in ("key_slices", "slice_scores", "learning_rank", "state", "revision"):
        op.alter_column("review_items", name, server_default=None, schema=SCHEMA)
    op.drop_index("ix_review_items_queue", "review_items", schema=SCHEMA)
    op.create_index(
        "ix_review_items_queue",
        "review_items",
        ["site_id", "urgency", "learning_rank", "predicted_at", "job_id"],
        schema=SCHEMA,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_review_items_newest", "review_items", ["site_id", "predicted_at", "job_id"], schema=SCHEMA
    )
    op.create_index(
        "ix_review_items_decided",
        "review_items",
        ["site_id", "decided_at", "job_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'final'"),
    )
    op.create_index("ix_review_items_study", "review_items", ["study_id"], schema=SCHEMA)


def _create_verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        _word("finding"),
        _word("subtype"),
        sa.Column("key_slices", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("regions", postgresql.JSONB(), nullable=False),
        _word("confidence", nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("excluded_from_training", sa.Boolean(), nullable=False),
        sa.Column("exclusion_reason", sa.Text(), nullable=True),
        _time("given_at"),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["feedback.review_items.job_id"],
            name="fk_verdicts_job_id_review_items",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("verdict_id", name="pk_verdicts"),
        sa.UniqueConstraint("job_id", "reader_id", name="uq_verdicts_job_id_reader_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_verdicts_given_at", "verdicts", ["given_at"], schema=SCHEMA)


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        _word("modality", nullable=False),
        _word("label", nullable=False),
        _word("subtype"),
        sa.Column("corrected", sa.Boolean(), nullable=False),
        sa.Column("slices", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("embedding_space", sa.String(128), nullable=False),
        sa.Column("embedding_key", sa.Text(), nullable=False),
        _word("embedding_state", nullable=False),
        sa.Column("features", sa.Integer(), nullable=True),
        sa.Column("patient_ref", sa.Uuid(), nullable=True),
        sa.Column("reader_id", sa.Uuid(), nullable=False),
        sa.Column("verdict_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        _time("created_at"),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["feedback.review_items.job_id"],
            name="fk_cases_job_id_review_items",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        sa.UniqueConstraint("job_id", name="uq_cases_job_id"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_cases_embedding_space_embedding_state",
        "cases",
        ["embedding_space", "embedding_state"],
        schema=SCHEMA,
    )
    op.create_index("ix_cases_study_id", "cases", ["study_id"], schema=SCHEMA)
    op.create_index("ix_cases_newest", "cases", ["site_id", "created_at", "case_id"], schema=SCHEMA)
    op.create_table(
        "case_slices",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("slice_index", sa.Integer(), nullable=False),
        sa.Column("embedding", HalfVector(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["feedback.cases.case_id"], name="fk_case_slices_case_id_cases", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("case_id", "slice_index", name="pk_case_slices"),
        schema=SCHEMA,
    )


def _create_datasets() -> None:
    counts = ("features", "cases", "slices", "stroke_cases", "normal_cases", "corrected", "new_cases")
    op.create_table(
        "datasets",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("embedding_space", sa.String(128), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (*counts, "patients", "readers", "held_back", "erased_cases")
        ),
        _time("created_at"),
        sa.PrimaryKeyConstraint("dataset_id", name="pk_datasets"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_datasets_embedding_space_created_at", "datasets", ["embedding_space", "created_at"], schema=SCHEMA
    )
    op.create_table(
        "dataset_cases",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["feedback.datasets.dataset_id"],
            name="fk_dataset_cases_dataset_id_datasets",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["feedback.cases.case_id"], name="fk_dataset_cases_case_id_cases", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "position", name="pk_dataset_cases"),
        schema=SCHEMA,
    )
    op.create_index("ix_dataset_cases_case_id", "dataset_cases", ["case_id"], schema=SCHEMA)


def _create_trail() -> None:
    op.create_table(
        "erased_studies",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        _time("erased_at"),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("results", "verdicts", "cases", "datasets")
        ),
        sa.PrimaryKeyConstraint("study_id", name="pk_erased_studies"),
        schema=SCHEMA,
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _time("at"),
        _word("service"),
        sa.Column("action", sa.String(64), nullable=False),
        _word("object_type"),
        sa.Column("object_id", sa.String(64), nullable=True),
        _word("outcome", nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_audit_events_object_type_object_id_id",
        "audit_events",
        ["object_type", "object_id", "id"],
        schema=SCHEMA,
    )
    op.execute(_REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON feedback.audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION feedback.refuse_audit_change()"
    )


def downgrade() -> None:
    for table in (
        "audit_events",
        "erased_studies",
        "dataset_cases",
        "datasets",
        "case_slices",
        "cases",
        "verdicts",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.execute("DROP FUNCTION feedback.refuse_audit_change()")
    for index in ("queue", "newest", "decided", "study"):
        op.drop_index(f"ix_review_items_{index}", "review_items", schema=SCHEMA)
    # the queue of revision 0001 held what was not confident, and nothing that is decided
    op.execute("DELETE FROM feedback.review_items WHERE state IN ('optional', 'final')")
    for column in _REVIEW_COLUMNS:
        op.drop_column("review_items", column, schema=SCHEMA)
    op.create_index(
        "ix_review_items_queue",
        "review_items",
        ["site_id", "urgency", "predicted_at", "job_id"],
        schema=SCHEMA,
    )
