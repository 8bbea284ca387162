"""OAuth clients of other systems, the assertions they have used, the access tokens they hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "gateway"


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("jwks", postgresql.JSONB(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_oauth_clients_site_id_sites"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["gateway.users.id"], name="fk_oauth_clients_created_by_users"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_clients"),
        schema=SCHEMA,
    )
    op.create_index("ix_oauth_clients_site_id", "oauth_clients", ["site_id"], schema=SCHEMA)
    op.create_table(
        "oauth_assertions",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("jti_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["gateway.oauth_clients.id"],
            name="fk_oauth_assertions_client_id_oauth_clients",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "jti_hash", name="pk_oauth_assertions"),
        schema=SCHEMA,
    )
    op.create_index("ix_oauth_assertions_expires_at", "oauth_assertions", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "oauth_tokens",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["gateway.oauth_clients.id"],
            name="fk_oauth_tokens_client_id_oauth_clients",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_oauth_tokens"),
        schema=SCHEMA,
    )
    op.create_index("ix_oauth_tokens_client_id", "oauth_tokens", ["client_id"], schema=SCHEMA)
    op.create_index("ix_oauth_tokens_expires_at", "oauth_tokens", ["expires_at"], schema=SCHEMA)


def downgrade() -> None:
    for table in ("oauth_tokens", "oauth_assertions", "oauth_clients"):
        op.drop_table(table, schema=SCHEMA)
