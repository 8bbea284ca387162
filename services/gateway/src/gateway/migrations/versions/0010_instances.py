"""The index of stored DICOM instances."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.add_column(
        "series", sa.Column("indexed", sa.Boolean(), nullable=False, server_default="false"), schema=SCHEMA
    )
    op.execute("UPDATE gateway.series SET indexed = true WHERE source_format <> 'dicom'")
    op.alter_column("series", "indexed", server_default=None, schema=SCHEMA)
    op.create_index("ix_studies_study_uid", "studies", ["site_id", "study_uid"], schema=SCHEMA)
    op.create_table(
        "instances",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("sop_instance_uid", sa.Text(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("series_uid", sa.Text(), nullable=False),
        sa.Column("sop_class_uid", sa.Text(), nullable=False),
        sa.Column("transfer_syntax_uid", sa.Text(), nullable=False),
        sa.Column("instance_number", sa.Integer(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("columns", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("object_bytes", sa.Integer(), nullable=False),
        sa.Column("slices", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("frame_ranges", postgresql.JSONB(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["gateway.studies.id"], name="fk_instances_study_id_studies", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["series_id"], ["gateway.series.id"], name="fk_instances_series_id_series", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "sop_instance_uid", name="pk_instances"),
        schema=SCHEMA,
    )
    op.create_index("ix_instances_series", "instances", ["series_id"], schema=SCHEMA)
    op.create_index("ix_instances_uid", "instances", ["sop_instance_uid"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("instances", schema=SCHEMA)
    op.drop_index("ix_studies_study_uid", "studies", schema=SCHEMA)
    op.drop_column("series", "indexed", schema=SCHEMA)
