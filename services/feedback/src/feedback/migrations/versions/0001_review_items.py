"""Review items: the results that wait for a reader."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "feedback"


def upgrade() -> None:
    op.create_table(
        "review_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("modality", sa.String(32), nullable=False),
        sa.Column("priority", sa.String(32), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("stroke_probability", sa.Double(), nullable=True),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("embedding_key", sa.Text(), nullable=True),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_review_items"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_review_items_queue",
        "review_items",
        ["site_id", "urgency", "predicted_at", "job_id"],
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("review_items", schema=SCHEMA)
