"""Model versions in MLflow: publish, promote, resolve, fetch with verification."""

from ictus.registry.mlflow_registry import (
    CHALLENGER,
    CHAMPION,
    GATE_TAG,
    TRAINING_TAG,
    RegisteredVersion,
    Registry,
    RunRecord,
)

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "GATE_TAG",
    "TRAINING_TAG",
    "RegisteredVersion",
    "Registry",
    "RunRecord",
]
