"""Alerts: likely strokes that a person must take on."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_alerts_study_id_studies", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_alerts_site_id_sites"),
        sa.PrimaryKeyConstraint("study_id", name="pk_alerts"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["site_id", "raised_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )
    op.create_index(
        "ix_alerts_unescalated",
        "alerts",
        ["raised_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("acknowledged_at IS NULL AND escalated_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("alerts", schema=SCHEMA)
