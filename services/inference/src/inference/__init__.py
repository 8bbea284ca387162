"""Turns canonical volumes into explained predictions: the Celery worker and ``ictus analyze``. No torch."""

import os

# Read when numpy is first imported: BLAS threads beside the engine's own cost up to 1.4x.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
