"""What was answered and tried lately is found without reading everything that ever was."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.create_index(
        "ix_jobs_completed",
        "jobs",
        ["finished_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'completed'"),
    )
    op.create_index("ix_job_attempts_claimed", "job_attempts", ["claimed_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_index("ix_job_attempts_claimed", "job_attempts", schema=SCHEMA)
    op.drop_index("ix_jobs_completed", "jobs", schema=SCHEMA)
