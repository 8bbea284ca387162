"""Sign a model directory, register it with its run, make it champion or challenger, and tell the workers."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import structlog
from redis import Redis, RedisError

from ictus.contracts import tasks
from ictus.model.manifest import MANIFEST_FILE, load_model_directory
from ictus.model.signature import SIGNATURE_FILE
from ictus.registry import GATE_TAG, TRAINING_TAG, Registry, RunRecord
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
        registry = self.registry
        version = self._register(registry, directory, run_record(load_model_directory(directory)))
        champion = registry.champion()
        if champion is None or (promote and champion != version):
            registry.promote(version)
            self.ring()
            champion = version
        elif champion != version:
            registry.challenge(version)
        return Published(version, is_champion=champion == version)

    def propose(
        self, directory: Path, *, training_id: UUID, gate_passed: bool, files: Sequence[Path] = ()
    ) -> str:
        """Sign and register a candidate without an alias: the gateway moves aliases, when somebody approved.

        It appears in the registry whole or not at all; doing it again changes nothing.

        Args:
            directory: verified before anything is sent; nothing is written in it.
            training_id: of the training that made it.
            gate_passed: whether the gate lets it be approved.
            files: kept beside it, for example the gate's report.

        Returns:
            The version.

        Raises:
            ModelRefusedError: the directory is incomplete or was changed.
            SigningKeyError: the key is no P-256 private key.
            ConflictError: its version is registered with other content.
            UnavailableError: the registry does not answer.
        """
        record = run_record(load_model_directory(directory))
        tags = {GATE_TAG: "passed" if gate_passed else "refused", TRAINING_TAG: str(training_id)}
        record = replace(record, tags={**record.tags, **tags}, files=(*record.files, *files))
        return self._register(self.registry, directory, record)

    def _register(self, registry: Registry, directory: Path, record: RunRecord) -> str:
        with tempfile.TemporaryDirectory() as folder:
            signature = Path(folder) / SIGNATURE_FILE
            sign_manifest(directory / MANIFEST_FILE, self.private_key, signature)
            return registry.publish(directory, signature, record)


def model_bell(redis_url: str) -> Callable[[], None]:
    """What tells all inference workers to ask for the champion now; they also poll, so it may fail."""

    def ring() -> None:
        try:
            with Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=5) as redis:
                redis.publish(tasks.MODEL_CHANGED, b"")
        except RedisError as error:
            _log.warning("workers_not_told", reason=type(error).__name__)

    return ring
