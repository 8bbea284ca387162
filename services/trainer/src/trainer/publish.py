"""Sign a model directory, register it with its run, make it champion or challenger, and tell the workers."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from redis import Redis, RedisError

from ictus.contracts import tasks
from ictus.model.manifest import MANIFEST_FILE, load_model_directory
from ictus.model.signature import SIGNATURE_FILE
from ictus.registry import Registry
from trainer.run_record import run_record
from trainer.sign import public_key_of, sign_manifest

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Published:
    """A registered version, and whether it answers now; otherwise it is the challenger."""

    version: str
    is_champion: bool


@dataclass(frozen=True)
class Publisher:
    """Registers models under one name, signed with one key.

    Args:
        mlflow_url: the registry.
        model_name: of the registered model.
        private_key: PEM; what is published is signed with it.
        ring: called after the champion changed.
    """

    mlflow_url: str
    model_name: str
    private_key: str
    ring: Callable[[], None]

    @property
    def registry(self) -> Registry:
        """The registry, trusting what this publisher signs."""
        return Registry(self.mlflow_url, self.model_name, public_key=public_key_of(self.private_key))

    def publish(self, directory: Path, *, promote: bool = False) -> Published:
        """Sign and register a model directory. Doing it again renews the signature and changes nothing else.

        The first version becomes the champion. A later one becomes the challenger, or the champion on request.

        Args:
            directory: verified before anything is sent; nothing is written in it.
            promote: make it the champion even when there is one.

        Raises:
            ModelRefusedError: the directory is incomplete or was changed.
            SigningKeyError: the key is no P-256 private key.
            ConflictError: its version is registered with other content.
            UnavailableError: the registry does not answer.
        """
        model = load_model_directory(directory)
        registry = self.registry
        with tempfile.TemporaryDirectory() as folder:
            signature = Path(folder) / SIGNATURE_FILE
            sign_manifest(directory / MANIFEST_FILE, self.private_key, signature)
            version = registry.publish(directory, signature, run_record(model))
        champion = registry.champion()
        if champion is None or (promote and champion != version):
            registry.promote(version)
            self.ring()
            champion = version
        elif champion != version:
            registry.challenge(version)
        return Published(version, is_champion=champion == version)


def model_bell(redis_url: str) -> Callable[[], None]:
    """What tells all inference workers to ask for the champion now; they also poll, so it may fail."""

    def ring() -> None:
        try:
            with Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=5) as redis:
                redis.publish(tasks.MODEL_CHANGED, b"")
        except RedisError as error:
            _log.warning("workers_not_told", reason=type(error).__name__)

    return ring
