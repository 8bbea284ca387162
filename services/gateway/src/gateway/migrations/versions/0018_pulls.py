"""Archives that studies are fetched from, and the studies that are to be fetched."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("port", sa.Integer(), nullable=True),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("own_name", sa.Text(), nullable=False),
        sa.Column("remote_name", sa.Text(), nullable=False),
        sa.Column("retrieval", sa.String(32), nullable=False),
        sa.Column("move_destination", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        _time("created_at"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_sources_site_id_sites"),
        schema=SCHEMA,
    )
    op.create_index("ix_sources_site", "sources", ["site_id", "name"], schema=SCHEMA)
    op.create_table(
        "pulls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("wanted", sa.LargeBinary(), nullable=False),
        sa.Column("wanted_ref", sa.Text(), nullable=False),
        sa.Column("priority", sa.String(32), nullable=False),
        sa.Column("is_order", sa.Boolean(), nullable=False),
        sa.Column("patient_ref", sa.Uuid(), nullable=True),
        sa.Column("requested_kind", sa.String(32), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        _time("next_attempt_at"),
        _time("lease_expires_at", nullable=True),
        sa.Column("study_uid", sa.Text(), nullable=True),
        sa.Column("instances", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        _time("fetched_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.Column("incoming_id", sa.Uuid(), nullable=True),
        sa.Column("study_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pulls"),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_pulls_site_id_sites"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["gateway.sources.id"], name="fk_pulls_source_id_sources", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_pulls_study_id_studies", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    is_open = sa.text("state IN ('queued', 'running')")
    op.create_index(
        "uq_pulls_open",
        "pulls",
        ["site_id", "wanted_ref"],
        unique=True,
        postgresql_where=is_open,
        schema=SCHEMA,
    )
    op.create_index("ix_pulls_due", "pulls", ["next_attempt_at"], postgresql_where=is_open, schema=SCHEMA)
    op.create_index(
        "ix_pulls_site",
        "pulls",
        ["site_id", sa.text("created_at DESC"), sa.text("id DESC")],
        schema=SCHEMA,
    )
    op.create_index("ix_pulls_incoming", "pulls", ["incoming_id"], schema=SCHEMA)
    op.create_index("ix_pulls_study", "pulls", ["study_id"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("pulls", schema=SCHEMA)
    op.drop_table("sources", schema=SCHEMA)
