"""The gateway's real application, for its client."""

from tests.gateway.conftest import (  # noqa: F401  fixtures that this package shares with the gateway's tests
    clean_database,
    clock,
    database_admin,
    installation,
    logging_as_in_production,
    make_settings,
    migrated_database,
    settings,
)
