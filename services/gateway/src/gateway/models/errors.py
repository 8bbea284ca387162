"""Refusals of questions about models."""

from ictus.domain.errors import NotFoundError


class NoModelError(NotFoundError):
    """No version has been promoted in the registry."""

    code = "no_model"
    title = "No model is in use yet. An administrator must publish and promote one."
