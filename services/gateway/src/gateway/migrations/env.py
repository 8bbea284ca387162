"""Runs the gateway's migrations; ``gateway.database.migrate`` is the way in."""

from gateway.database import SCHEMA, Base, create_gateway_engine, import_models
from ictus.database import run_migrations

import_models()
run_migrations(create_gateway_engine, Base.metadata, schema=SCHEMA, lock=0x1C705)
