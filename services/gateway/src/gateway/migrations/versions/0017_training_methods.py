"""What the trainer lacks for each way of learning."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.create_table(
        "training_methods",
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("method", name="pk_training_methods"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("training_methods", schema=SCHEMA)
