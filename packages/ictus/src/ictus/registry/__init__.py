"""Model versions in MLflow: publish, promote, resolve, fetch with verification."""

from ictus.registry.mlflow_registry import CHAMPION, Registry

__all__ = ["CHAMPION", "Registry"]
