"""Runs the feedback service's migrations; ``feedback.database.migrate`` is the way in."""

import feedback.audit.models  # the tables register themselves with the metadata
import feedback.cases.models
import feedback.datasets.models
import feedback.erasure.models
import feedback.reviews.models  # noqa: F401
from feedback.database import SCHEMA, Base, create_feedback_engine
from ictus.database import run_migrations

run_migrations(create_feedback_engine, Base.metadata, schema=SCHEMA, lock=0x1C706)
