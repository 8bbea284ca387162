"""Results as DICOM objects among the stored instances."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.alter_column("instances", "series_id", nullable=True, schema=SCHEMA)
    op.create_table(
        "shown_results",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_shown_results_study_id_studies", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", name="pk_shown_results"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("shown_results", schema=SCHEMA)
    op.execute("DELETE FROM gateway.instances WHERE series_id IS NULL")
    op.alter_column("instances", "series_id", nullable=False, schema=SCHEMA)
