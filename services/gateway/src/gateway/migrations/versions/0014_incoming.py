"""Peers that send by DICOM, and the studies that are being received."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.create_table(
        "dicom_peers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ae_title", sa.String(16), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_dicom_peers_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_dicom_peers"),
        sa.UniqueConstraint("ae_title", name="uq_dicom_peers_ae_title"),
        schema=SCHEMA,
    )
    op.create_index("ix_dicom_peers_site_id", "dicom_peers", ["site_id"], schema=SCHEMA)
    op.create_table(
        "incoming_studies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("study_uid", sa.Text(), nullable=False),
        sa.Column("sender_kind", sa.String(32), nullable=False),
        sa.Column("sender_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("first_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("study_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_incoming_studies_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_incoming_studies"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_incoming_studies_receiving",
        "incoming_studies",
        ["site_id", "study_uid"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'receiving'"),
    )
    op.create_index(
        "ix_incoming_studies_state", "incoming_studies", ["state", "last_received_at"], schema=SCHEMA
    )
    op.create_index(
        "ix_incoming_studies_site", "incoming_studies", ["site_id", "first_received_at"], schema=SCHEMA
    )


def downgrade() -> None:
    op.drop_table("incoming_studies", schema=SCHEMA)
    op.drop_table("dicom_peers", schema=SCHEMA)
