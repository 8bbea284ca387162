"""The model registry as the gateway sees it: asked which version is in use, told which one is to be."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Protocol

from gateway.settings import ReleaseSettings
from ictus.domain.errors import UnavailableError
from ictus.model.manifest import ModelManifest

if TYPE_CHECKING:  # its client takes seconds to import
    from ictus.registry import RegisteredVersion


class ModelSource(Protocol):
    """What is asked of the registry to describe the model in use (``ictus.registry.Registry``)."""

    def champion(self) -> str | None:
        """The version in use, None when none was promoted."""

    def manifest(self, version: str) -> ModelManifest:
        """What a version says of itself, verified."""


class ModelRegistry(ModelSource, Protocol):
    """What releases ask of the registry, and tell it."""

    def challenger(self) -> str | None:
        """The version that has the alias ``challenger``."""

    def describe(self, version: str) -> "RegisteredVersion":
        """What the registry knows of a version."""

    def described_versions(self) -> "tuple[RegisteredVersion, ...]":
        """What the registry knows of every version, the newest first."""

    def promote(self, version: str) -> None:
        """Make a version the champion."""

    def challenge(self, version: str) -> None:
        """Make a version the challenger."""

    def withdraw_challenger(self) -> None:
        """Have no challenger."""


def registry_opener(settings: ReleaseSettings) -> Callable[[], ModelRegistry]:
    """How to open the registry that the settings name, once; raises ``UnavailableError`` when they name none."""

    @cache
    def open_registry() -> ModelRegistry:
        if settings.mlflow_url is None:
            raise UnavailableError("No model registry is set up.")
        from ictus.registry import Registry  # noqa: PLC0415 (its client takes seconds to import)

        return Registry(str(settings.mlflow_url), settings.model_name, public_key=settings.model_public_key)

    return open_registry
