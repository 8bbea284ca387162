"""Which scanner a study comes from, and how bright the head is, for drift.

The scanner of studies that are indexed already is read from their de-identified headers; how bright the head was has
not been measured before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCHEMA = "gateway"

_STATED = """
UPDATE gateway.studies SET scanner = stated.scanner FROM (
    SELECT DISTINCT ON (instances.study_id) instances.study_id,
        left(concat_ws(', ',
            nullif(btrim(concat_ws(' ', attributes #>> '{00080070,Value,0}', attributes #>> '{00081090,Value,0}')), ''),
            attributes #>> '{00181210,Value,0}'), 200) AS scanner
    FROM gateway.instances JOIN gateway.series ON series.id = instances.series_id
    WHERE series.position = 0
    ORDER BY instances.study_id, instances.instance_number, instances.sop_instance_uid
) AS stated WHERE stated.study_id = studies.id AND stated.scanner <> ''
"""


def upgrade() -> None:
    op.add_column("studies", sa.Column("scanner", sa.Text(), nullable=True), schema=SCHEMA)
    op.add_column("studies", sa.Column("intensity_mean", sa.Double(), nullable=True), schema=SCHEMA)
    op.add_column("studies", sa.Column("intensity_deviation", sa.Double(), nullable=True), schema=SCHEMA)
    op.execute(_STATED)


def downgrade() -> None:
    for column in ("intensity_deviation", "intensity_mean", "scanner"):
        op.drop_column("studies", column, schema=SCHEMA)
