"""Small models to publish."""

from tests.ictus.conftest import describe_again, manifest, model_directory

__all__ = ["describe_again", "manifest", "model_directory"]
