"""What readers say of results, the tombstones of erased studies, and what monitoring counts by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "gateway"

_STUDY_COLUMNS = ("patient_ref", "novelty", "review_state", "reviewed_finding", "reviewed_at")


def upgrade() -> None:
    op.add_column("studies", sa.Column("patient_ref", sa.Uuid(), nullable=True), schema=SCHEMA)
    op.add_column("studies", sa.Column("novelty", sa.Double(), nullable=True), schema=SCHEMA)
    op.add_column("studies", sa.Column("review_state", sa.String(32), nullable=True), schema=SCHEMA)
    op.add_column("studies", sa.Column("reviewed_finding", sa.String(32), nullable=True), schema=SCHEMA)
    op.add_column(
        "studies", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True), schema=SCHEMA
    )
    op.execute(
        "UPDATE gateway.studies SET review_state = CASE disposition WHEN 'confident' THEN 'optional' ELSE 'open' END "
        "WHERE disposition IS NOT NULL"
    )
    op.create_index("ix_studies_received", "studies", ["received_at"], schema=SCHEMA)
    op.create_table(
        "reviews",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(32), nullable=True),
        sa.Column("subtype", sa.String(32), nullable=True),
        sa.Column("agrees_with_model", sa.Boolean(), nullable=True),
        sa.Column("reader_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["gateway.jobs.id"], name="fk_reviews_job_id_jobs", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_reviews_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_reviews"),
        schema=SCHEMA,
    )
    op.create_index("ix_reviews_study", "reviews", ["study_id", "decided_at"], schema=SCHEMA)
    op.create_index("ix_reviews_decided", "reviews", ["decided_at"], schema=SCHEMA)
    op.create_table(
        "erased_studies",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name="pk_erased_studies"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_erased_studies_site", "erased_studies", ["site_id", "erased_at", "study_id"], schema=SCHEMA
    )


def downgrade() -> None:
    op.drop_table("erased_studies", schema=SCHEMA)
    op.drop_table("reviews", schema=SCHEMA)
    op.drop_index("ix_studies_received", "studies", schema=SCHEMA)
    for column in _STUDY_COLUMNS:
        op.drop_column("studies", column, schema=SCHEMA)
