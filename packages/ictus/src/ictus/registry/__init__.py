"""Model versions in MLflow: publish, promote, resolve, fetch with verification."""

from ictus.registry.mlflow_registry import CHALLENGER, CHAMPION, Registry, RunRecord

__all__ = ["CHALLENGER", "CHAMPION", "Registry", "RunRecord"]
