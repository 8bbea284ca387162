"""The model registry on an MLflow server.

A registered version is a run whose artefact ``model`` is the model directory. Artefacts go through the
server (``mlflow server --serve-artifacts``), so publishers and workers need no credentials of the object
store. Ictus speaks of a version by its manifest's ``version``; MLflow's own running number stays in here.
Nothing that comes back is trusted before its digests are verified.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from ictus.domain.errors import ConflictError, NotFoundError, UnavailableError
from ictus.model.manifest import (
    MANIFEST_FILE,
    ModelDirectory,
    ModelManifest,
    ModelRefusedError,
    load_model_directory,
    read_manifest,
)

CHAMPION: Final = "champion"
_VERSION_TAG: Final = "ictus.version"
_SHA256_TAG: Final = "ictus.sha256"
_ARTEFACT: Final = "model"
_MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
_EXISTS: Final = "RESOURCE_ALREADY_EXISTS"


class Registry:
    """One registered model of an MLflow server.

    Args:
        tracking_uri: http(s) address of the server.
        name: of the registered model, and of the experiment that its runs are in.
        timeout: seconds to wait for the server's first answer; MLflow's own client would try for minutes.
    """

    def __init__(self, tracking_uri: str, name: str, timeout: float = 5.0) -> None:
        self._uri = tracking_uri.rstrip("/")
        self._name = name
        self._timeout = timeout
        self._client = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    def publish(
        self,
        directory: Path,
        metrics: Mapping[str, float] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """Register a model directory; a version that is there already, byte for byte, is left as it is.

        Args:
            directory: verified before anything is sent.
            metrics: figures to log beside the manifest's.
            parameters: of the run, to log beside the manifest's.

        Returns:
            The version, to ``promote`` or ``fetch``.

        Raises:
            ModelRefusedError: the directory is incomplete or was changed.
            ConflictError: another model has this version.
            UnavailableError: the server does not answer.
        """
        model = load_model_directory(directory)
        version = model.manifest.version
        with self._server():
            known = self._find(version)
            if known is not None:
                if known.tags[_SHA256_TAG] != model.sha256:
                    raise ConflictError(f"Version {version} is registered with other content.")
                return version
            tags = {_VERSION_TAG: version, _SHA256_TAG: model.sha256}
            run = self._client.create_run(self._experiment(), run_name=version, tags=tags)
            run_id = run.info.run_id
            for name, value in (_parameters(model.manifest) | dict(parameters or {})).items():
                self._client.log_param(run_id, name, value)
            for name, figure in (_figures(model.manifest) | dict(metrics or {})).items():
                self._client.log_metric(run_id, name, figure)
            for name in ("manifest.json", *model.manifest.files):
                self._client.log_artifact(run_id, str(directory / name), artifact_path=_ARTEFACT)
            self._client.set_terminated(run_id)
            self._register_name()
            source = f"{run.info.artifact_uri}/{_ARTEFACT}"
            self._client.create_model_version(self._name, source, run_id=run_id, tags=tags)
        return version

    def champion(self) -> str | None:
        """The version that answers now, None when none was promoted.

        Raises:
            UnavailableError: the server does not answer.
        """
        with self._server():
            try:
                found = self._client.get_model_version_by_alias(self._name, CHAMPION)
            except MlflowException as error:
                # MLflow 3 answers an unset alias with INVALID_PARAMETER_VALUE, an unknown model with the other.
                if error.error_code in {_MISSING, "INVALID_PARAMETER_VALUE"}:
                    return None
                raise
        return str(found.tags[_VERSION_TAG])

    def promote(self, version: str) -> None:
        """Make a registered version the champion.

        Raises:
            NotFoundError: it is not registered.
            UnavailableError: the server does not answer.
        """
        with self._server():
            number = self._get(version).version
            self._client.set_registered_model_alias(self._name, CHAMPION, number)

    def versions(self) -> tuple[str, ...]:
        """Every registered version, the newest first.

        Raises:
            UnavailableError: the server does not answer.
        """
        with self._server():
            found = self._client.search_model_versions(f"name='{self._name}'")
        newest_first = sorted(found, key=lambda v: int(v.version), reverse=True)
        return tuple(str(v.tags[_VERSION_TAG]) for v in newest_first)

    def manifest(self, version: str) -> ModelManifest:
        """What a version says of itself; its weights stay where they are.

        Raises:
            NotFoundError: it is not registered.
            ModelRefusedError: what came is not what was published.
            UnavailableError: the server does not answer.
        """
        with self._server(), tempfile.TemporaryDirectory() as folder:
            registered = self._get(version)
            artefact = f"{_ARTEFACT}/{MANIFEST_FILE}"
            manifest, sha256 = read_manifest(
                Path(self._client.download_artifacts(str(registered.run_id), artefact, folder))
            )
        _refuse_unless_published(sha256, registered)
        return manifest

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        """Bring a version's directory to ``into/<version>`` and verify it; one that is there is only verified.

        The files appear under their final name only when all of them are there and verified.

        Raises:
            NotFoundError: it is not registered.
            ModelRefusedError: what came is not what was published.
            UnavailableError: the server does not answer.
        """
        with self._server():
            registered = self._get(version)
            final = into / version
            if not final.exists():
                self._download(registered, into, final)
        return self._verified(final, registered)

    def _download(self, registered: ModelVersion, into: Path, final: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=into, prefix=".part-") as part:
            self._client.download_artifacts(str(registered.run_id), _ARTEFACT, part)
            self._verified(Path(part) / _ARTEFACT, registered)
            try:
                (Path(part) / _ARTEFACT).rename(final)
            except OSError:  # another worker on this disk was first
                if not final.is_dir():
                    raise

    def _verified(self, directory: Path, registered: ModelVersion) -> ModelDirectory:
        model = load_model_directory(directory)
        _refuse_unless_published(model.sha256, registered)
        return model

    def _find(self, version: str) -> ModelVersion | None:
        query = f"name='{self._name}' and tags.`{_VERSION_TAG}`='{version}'"
        found = self._client.search_model_versions(query)
        return found[0] if found else None

    def _get(self, version: str) -> ModelVersion:
        found = self._find(version)
        if found is None:
            raise NotFoundError(f"Model version {version} is not registered.")
        return found

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._name)
        return str(found.experiment_id if found else self._client.create_experiment(self._name))

    def _register_name(self) -> None:
        try:
            self._client.create_registered_model(self._name)
        except MlflowException as error:
            if error.error_code != _EXISTS:
                raise

    @contextmanager
    def _server(self) -> Iterator[None]:
        """Fail at once when the server is away, and speak of it in our words."""
        try:
            httpx.get(f"{self._uri}/health", timeout=self._timeout).raise_for_status()
        except httpx.HTTPError as error:
            raise UnavailableError("The model registry is not answering.") from error
        try:
            yield
        except MlflowException as error:
            raise UnavailableError("The model registry could not do this now.") from error


def _refuse_unless_published(sha256: str, registered: ModelVersion) -> None:
    if sha256 != registered.tags[_SHA256_TAG]:
        raise ModelRefusedError("The model is not the one that was registered under this version.")


def _figures(manifest: ModelManifest) -> dict[str, float]:
    return {f"{metric.level}.{metric.name}": metric.value for metric in manifest.metrics}


def _parameters(manifest: ModelManifest) -> dict[str, str]:
    described = {**manifest.architecture.model_dump(), **manifest.training.model_dump()}
    return {name: str(value) for name, value in described.items()}
