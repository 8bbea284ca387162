"""One-time passwords expire."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("password_expires_at", sa.DateTime(timezone=True), nullable=True), schema=SCHEMA
    )
    # those given out before: as if given out now, with the usual limit
    op.execute(
        "UPDATE gateway.users SET password_expires_at = now() + interval '72 hours' WHERE must_change_password"
    )


def downgrade() -> None:
    op.drop_column("users", "password_expires_at", schema=SCHEMA)
