"""What studies are found by when another system asks for a patient or an accession number."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.add_column("studies", sa.Column("accession_ref", sa.Uuid(), nullable=True), schema=SCHEMA)
    op.create_index("ix_studies_patient", "studies", ["site_id", "patient_ref"], schema=SCHEMA)
    op.create_index("ix_studies_accession", "studies", ["site_id", "accession_ref"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_index("ix_studies_accession", "studies", schema=SCHEMA)
    op.drop_index("ix_studies_patient", "studies", schema=SCHEMA)
    op.drop_column("studies", "accession_ref", schema=SCHEMA)
