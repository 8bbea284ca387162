"""Small models to publish, and a registry of the test's own."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.ictus.conftest import describe_again, manifest, model_directory

from gateway.settings import GatewaySettings
from ictus.registry import Registry
from local.secret_files import ModelKeys

__all__ = ["describe_again", "manifest", "model_directory"]


@pytest.fixture
def model_name() -> str:
    return f"gateway-{uuid4().hex[:8]}"


@pytest.fixture
def registry(mlflow_url: str, model_name: str, model_keys: ModelKeys) -> Registry:
    return Registry(mlflow_url, model_name, public_key=model_keys.public)


@pytest.fixture
def settings(
    make_settings: Callable[..., GatewaySettings], mlflow_url: str, model_name: str, model_keys: ModelKeys
) -> GatewaySettings:
    return make_settings(mlflow_url=mlflow_url, model_name=model_name, model_public_key=model_keys.public)
