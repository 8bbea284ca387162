"""Sites, people, sessions, API keys, sign-in throttles and the audit trail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "gateway"

_REFUSE_CHANGE = """
CREATE FUNCTION gateway.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "sites",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("name", name="uq_sites_name"),
        schema=SCHEMA,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("role", sa.String(32), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        _time("created_at"),
        _time("last_login_at", nullable=True),
        sa.CheckConstraint(
            "state <> 'active' OR (role IS NOT NULL AND site_id IS NOT NULL)", name="ck_users_active_has_role"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_users_site_id_sites"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        schema=SCHEMA,
    )
    op.create_index("ix_users_site_id", "users", ["site_id"], schema=SCHEMA)
    op.create_index("ix_users_state", "users", ["state"], schema=SCHEMA)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _time("created_at"),
        _time("last_seen_at"),
        _time("expires_at"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["gateway.users.id"], name="fk_user_sessions_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_user_sessions_token_hash"),
        schema=SCHEMA,
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"], schema=SCHEMA)
    op.create_index("ix_user_sessions_expires_at", "user_sessions", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(32)), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("last_used_at", nullable=True),
        _time("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["gateway.sites.id"], name="fk_api_keys_site_id_sites"),
        sa.ForeignKeyConstraint(["created_by"], ["gateway.users.id"], name="fk_api_keys_created_by_users"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
        schema=SCHEMA,
    )
    op.create_index("ix_api_keys_site_id", "api_keys", ["site_id"], schema=SCHEMA)
    op.create_table(
        "sign_in_throttles",
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _time("last_try_at"),
        _time("blocked_until", nullable=True),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_throttles"),
        schema=SCHEMA,
    )
    op.create_index("ix_sign_in_throttles_last_try_at", "sign_in_throttles", ["last_try_at"], schema=SCHEMA)
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _time("at"),
        sa.Column("actor_kind", sa.String(32), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("object_type", sa.String(64), nullable=True),
        sa.Column("object_id", sa.String(64), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=True),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        schema=SCHEMA,
    )
    op.create_index("ix_audit_events_action", "audit_events", ["action"], schema=SCHEMA)
    op.create_index("ix_audit_events_site_id_id", "audit_events", ["site_id", "id"], schema=SCHEMA)
    op.create_index("ix_audit_events_actor_id_id", "audit_events", ["actor_id", "id"], schema=SCHEMA)
    op.create_index(
        "ix_audit_events_object_type_object_id_id",
        "audit_events",
        ["object_type", "object_id", "id"],
        schema=SCHEMA,
    )
    op.execute(_REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gateway.audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION gateway.refuse_audit_change()"
    )


def downgrade() -> None:
    op.drop_table("audit_events", schema=SCHEMA)
    op.execute("DROP FUNCTION gateway.refuse_audit_change()")
    for table in ("sign_in_throttles", "api_keys", "user_sessions", "users", "sites"):
        op.drop_table(table, schema=SCHEMA)
