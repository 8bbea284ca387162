"""Destinations of results, and the deliveries to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "destinations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("own_name", sa.Text(), nullable=False),
        sa.Column("remote_name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("content", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("statuses", postgresql.ARRAY(sa.Text()), nullable=False),
        _time("created_at"),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _time("retry_at", nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("last_delivered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_destinations"),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_destinations_site_id_sites"),
        schema=SCHEMA,
    )
    op.create_index("ix_destinations_site", "destinations", ["site_id", "name"], schema=SCHEMA)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        _time("lease_expires_at", nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        _time("created_at"),
        _time("next_attempt_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("delivered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        *(
            sa.ForeignKeyConstraint(
                [f"{one}_id"],
                [f"gateway.{table}.id"],
                name=f"fk_deliveries_{one}_id_{table}",
                ondelete="CASCADE",
            )
            for one, table in (("destination", "destinations"), ("study", "studies"), ("job", "jobs"))
        ),
        sa.UniqueConstraint("destination_id", "job_id", "status", name="uq_deliveries_result"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["destination_id", "created_at", "id"],
        postgresql_where=sa.text("state IN ('queued', 'sending', 'retrying')"),
        schema=SCHEMA,
    )
    newest_first = [sa.text("created_at DESC"), sa.text("id DESC")]
    op.create_index(
        "ix_deliveries_destination", "deliveries", ["destination_id", *newest_first], schema=SCHEMA
    )
    op.create_index("ix_deliveries_study", "deliveries", ["study_id", "created_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("deliveries", schema=SCHEMA)
    op.drop_table("destinations", schema=SCHEMA)
