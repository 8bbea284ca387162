"""Studies are erased by nobody when their time is over."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.alter_column("erased_studies", "erased_by", existing_type=sa.Uuid(), nullable=True, schema=SCHEMA)


def downgrade() -> None:
    op.execute(
        "UPDATE gateway.erased_studies SET erased_by = '00000000-0000-0000-0000-000000000000' WHERE erased_by IS NULL"
    )
    op.alter_column("erased_studies", "erased_by", existing_type=sa.Uuid(), nullable=False, schema=SCHEMA)
