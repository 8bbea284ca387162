"""The model registry on an MLflow server.

A registered version is a run whose artefact ``model`` is the model directory. Artefacts go through the
server (``mlflow server --serve-artifacts``), so publishers and workers need no credentials of the object
store. Ictus speaks of a version by its manifest's ``version``; MLflow's own running number stays in here.
Nothing that comes back is read before its signature is verified, nor used before its digests are.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
from mlflow.entities import Dataset, DatasetInput, Param
from mlflow.entities import Metric as Figure
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from ictus.domain.errors import ConflictError, NotFoundError, UnavailableError
from ictus.model.manifest import (
    MANIFEST_FILE,
    TEST_SET_FILE,
    ModelDirectory,
    ModelManifest,
    ModelRefusedError,
    load_model_directory,
    read_manifest,
)
from ictus.model.signature import SIGNATURE_FILE, load_signed_model_directory, verify_signature

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
GATE_TAG: Final = "ictus.gate"
"""Run tag: ``passed`` or ``refused``, of a candidate that a gate has judged."""
TRAINING_TAG: Final = "ictus.training"
"""Run tag: the id of the training that made a candidate."""
_VERSION_TAG: Final = "ictus.version"
_SHA256_TAG: Final = "ictus.sha256"
_ARTEFACT: Final = "model"
_RECORD: Final = "record"
_RUNS_AT_ONCE: Final = 1000
_FIGURES_AT_ONCE: Final = 1000  # MLflow's limit for one call
_PARAMETERS_AT_ONCE: Final = 100
_MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
_EXISTS: Final = "RESOURCE_ALREADY_EXISTS"


@dataclass(frozen=True)
class RunRecord:
    """What is kept beside a model to understand how it came about; none of it is served.

    Attributes:
        parameters: of the training, beside the manifest's; at most 6,000 characters each.
        metrics: figures beside the manifest's.
        curves: figure name to its values at steps 0, 1, 2..., for example a loss by epoch.
        tags: for example the code's version.
        files: files and folders that the run keeps in its folder ``record``.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class RegisteredVersion:
    """What the registry itself knows of a version. Only ``sha256`` is a promise: the rest is not signed.

    Attributes:
        version: as the manifest spells it.
        sha256: digest of the manifest.
        registered_at: with its time zone.
        aliases: ``champion`` and ``challenger``, as far as it has them.
        tags: of its run.
        figures: of its run, by name.
        parameters: of its run: what its manifest says of network, training and evaluation.
    """

    version: str
    sha256: str
    registered_at: datetime
    aliases: frozenset[str]
    tags: Mapping[str, str]
    figures: Mapping[str, float]
    parameters: Mapping[str, str]

    @property
    def gate(self) -> str | None:
        """What a gate said of it: ``passed`` or ``refused``; None when none has judged it."""
        return self.tags.get(GATE_TAG)


class Registry:
    """One registered model of an MLflow server.

    Args:
        tracking_uri: http(s) address of the server.
        name: of the registered model, and of the experiment that its runs are in.
        timeout: seconds to wait for the server's first answer; MLflow's own client would try for minutes.
        public_key: PEM of whoever may release models. Without it no model can be published, read or fetched.
    """

    def __init__(
        self, tracking_uri: str, name: str, timeout: float = 5.0, *, public_key: str | None = None
    ) -> None:
        self._uri = tracking_uri.rstrip("/")
        self._name = name
        self._timeout = timeout
        self._public_key = public_key
        self._client = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    def publish(self, directory: Path, signature: Path | None = None, record: RunRecord | None = None) -> str:
        """Register a model directory.

        Of a version that is there already, byte for byte, only the signature is renewed: after a change of keys
        publishing again is all there is to do.

        Args:
            directory: verified before anything is sent.
            signature: of its manifest, a file named ``manifest.json.sig``; None is the one in the directory.
            record: kept beside the model.

        Returns:
            The version, to ``promote`` or ``fetch``.

        Raises:
            ModelRefusedError: the directory is incomplete, was changed or is not signed with the trusted key.
            ConflictError: another model has this version.
            UnavailableError: the server does not answer.
        """
        signature = signature or directory / SIGNATURE_FILE
        verify_signature(directory / MANIFEST_FILE, signature, self._trusted())
        model = load_model_directory(directory)
        version = model.manifest.version
        with self._server():
            known = self._find(version)
            if known is not None:
                if known.tags[_SHA256_TAG] != model.sha256:
                    raise ConflictError(f"Version {version} is registered with other content.")
                self._client.log_artifact(known.run_id, str(signature), artifact_path=_ARTEFACT)
                return version
            tags = {_VERSION_TAG: version, _SHA256_TAG: model.sha256}
            run = self._client.create_run(self._experiment(), run_name=version, tags=tags)
            run_id = run.info.run_id
            self._log(run_id, model.manifest, record or RunRecord())
            for file in (MANIFEST_FILE, *model.manifest.files):
                self._client.log_artifact(run_id, str(directory / file), artifact_path=_ARTEFACT)
            self._client.log_artifact(run_id, str(signature), artifact_path=_ARTEFACT)
            self._client.set_terminated(run_id)
            self._register_name()
            source = f"{run.info.artifact_uri}/{_ARTEFACT}"
            self._client.create_model_version(self._name, source, run_id=run_id, tags=tags)
        return version

    def _log(self, run_id: str, manifest: ModelManifest, record: RunRecord) -> None:
        """Parameters, figures, curves, files and the data set of a run."""
        parameters = [Param(k, v) for k, v in (_parameters(manifest) | dict(record.parameters)).items()]
        for start in range(0, len(parameters), _PARAMETERS_AT_ONCE):
            self._client.log_batch(run_id, params=parameters[start : start + _PARAMETERS_AT_ONCE])
        now = int(time.time() * 1000)
        figures = [Figure(k, v, now, 0) for k, v in (_figures(manifest) | dict(record.metrics)).items()]
        for name, values in record.curves.items():
            figures += [Figure(name, value, now, step) for step, value in enumerate(values)]
        for start in range(0, len(figures), _FIGURES_AT_ONCE):
            self._client.log_batch(run_id, metrics=figures[start : start + _FIGURES_AT_ONCE])
        for key, value in record.tags.items():
            self._client.set_tag(run_id, key, value)
        training = manifest.training
        dataset = Dataset(
            training.dataset,
            training.dataset_sha256[:36],  # MLflow keeps no longer ones; the parameter has all of it
            source_type="ictus",
            source=json.dumps({"sha256": training.dataset_sha256}),
        )
        self._client.log_inputs(run_id, [DatasetInput(dataset)])
        for path in record.files:
            if path.is_dir():
                self._client.log_artifacts(run_id, str(path), artifact_path=f"{_RECORD}/{path.name}")
            else:
                self._client.log_artifact(run_id, str(path), artifact_path=_RECORD)

    def champion(self) -> str | None:
        """The version that answers now, None when none was promoted.

        Raises:
            UnavailableError: the server does not answer.
        """
        return self._aliased(CHAMPION)

    def challenger(self) -> str | None:
        """The version that was registered to be compared with the champion, if there is one.

        Raises:
            UnavailableError: the server does not answer.
        """
        return self._aliased(CHALLENGER)

    def promote(self, version: str) -> None:
        """Make a registered version the champion; it is no challenger any more.

        Raises:
            NotFoundError: it is not registered.
            UnavailableError: the server does not answer.
        """
        self._give_alias(CHAMPION, version)
        if self.challenger() == version:
            with self._server():
                self._client.delete_registered_model_alias(self._name, CHALLENGER)

    def challenge(self, version: str) -> None:
        """Make a registered version the challenger, in the place of an earlier one.

        Raises:
            NotFoundError: it is not registered.
            UnavailableError: the server does not answer.
        """
        self._give_alias(CHALLENGER, version)

    def withdraw_challenger(self) -> None:
        """Have no challenger any more; does nothing when there is none.

        Raises:
            UnavailableError: the server does not answer.
        """
        if self.challenger() is not None:
            with self._server():
                self._client.delete_registered_model_alias(self._name, CHALLENGER)

    def versions(self) -> tuple[str, ...]:
        """Every registered version, the newest first.

        Raises:
            UnavailableError: the server does not answer.
        """
        with self._server():
            return tuple(str(found.tags[_VERSION_TAG]) for found in self._newest_first())

    def described_versions(self) -> tuple[RegisteredVersion, ...]:
        """Every registered version with what the registry knows of it, the newest first. Costs three requests.

        Raises:
            UnavailableError: the server does not answer.
        """
        with self._server():
            found = self._newest_first()
            if not found:
                return ()
            aliases: dict[str, set[str]] = {}
            for alias, number in self._client.get_registered_model(self._name).aliases.items():
                aliases.setdefault(str(number), set()).add(alias)
            runs = {
                run.info.run_id: run.data
                for run in self._client.search_runs([self._experiment()], max_results=_RUNS_AT_ONCE)
            }
        return tuple(
            RegisteredVersion(
                version=str(one.tags[_VERSION_TAG]),
                sha256=str(one.tags[_SHA256_TAG]),
                registered_at=datetime.fromtimestamp(one.creation_timestamp / 1000, UTC),
                aliases=frozenset(aliases.get(str(one.version), ())),
                tags=runs[one.run_id].tags if one.run_id in runs else {},
                figures=runs[one.run_id].metrics if one.run_id in runs else {},
                parameters=runs[one.run_id].params if one.run_id in runs else {},
            )
            for one in found
        )

    def describe(self, version: str) -> RegisteredVersion:
        """What the registry knows of one version.

        Raises:
            NotFoundError: it is not registered.
            UnavailableError: the server does not answer.
        """
        found = next((one for one in self.described_versions() if one.version == version), None)
        if found is None:
            raise NotFoundError(f"Model version {version} is not registered.")
        return found

    def manifest(self, version: str) -> ModelManifest:
        """What a version says of itself; its weights stay where they are.

        Raises:
            NotFoundError: it is not registered.
            ModelRefusedError: what came is not what was published, or not signed with the trusted key.
            UnavailableError: the server does not answer.
        """
        trusted = self._trusted()
        with self._server(), tempfile.TemporaryDirectory() as folder:
            registered = self._get(version)
            run_id = str(registered.run_id)
            there = {Path(entry.path).name for entry in self._client.list_artifacts(run_id, _ARTEFACT)}
            for name in {MANIFEST_FILE, SIGNATURE_FILE} & there:
                Path(self._client.download_artifacts(run_id, f"{_ARTEFACT}/{name}", folder)).rename(
                    Path(folder) / name
                )
            file = Path(folder) / MANIFEST_FILE
            verify_signature(file, file.with_name(SIGNATURE_FILE), trusted)
            manifest, sha256 = read_manifest(file)
        _refuse_unless_published(sha256, registered)
        return manifest

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        """Bring a version's directory to ``into/<version>`` and verify it; one that is there is only verified.

        The files appear under their final name only when all of them are there and verified.

        Raises:
            NotFoundError: it is not registered.
            ModelRefusedError: what came is not what was published, or not signed with the trusted key.
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
        model = load_signed_model_directory(directory, self._trusted())
        _refuse_unless_published(model.sha256, registered)
        return model

    def _trusted(self) -> str:
        if self._public_key is None:
            raise ModelRefusedError("This installation has no key to verify models with.")
        return self._public_key

    def _aliased(self, alias: str) -> str | None:
        with self._server():
            try:
                found = self._client.get_model_version_by_alias(self._name, alias)
            except MlflowException as error:
                # MLflow 3 answers an unset alias with INVALID_PARAMETER_VALUE, an unknown model with the other.
                if error.error_code in {_MISSING, "INVALID_PARAMETER_VALUE"}:
                    return None
                raise
        return str(found.tags[_VERSION_TAG])

    def _give_alias(self, alias: str, version: str) -> None:
        with self._server():
            self._client.set_registered_model_alias(self._name, alias, self._get(version).version)

    def _find(self, version: str) -> ModelVersion | None:
        query = f"name='{self._name}' and tags.`{_VERSION_TAG}`='{version}'"
        found = self._client.search_model_versions(query)
        return found[0] if found else None

    def _get(self, version: str) -> ModelVersion:
        found = self._find(version)
        if found is None:
            raise NotFoundError(f"Model version {version} is not registered.")
        return found

    def _newest_first(self) -> list[ModelVersion]:
        found = self._client.search_model_versions(f"name='{self._name}'")
        return sorted(found, key=lambda one: int(one.version), reverse=True)

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
    if TEST_SET_FILE in manifest.files:
        described["test_set_sha256"] = manifest.files[TEST_SET_FILE].sha256
    return {name: str(value) for name, value in described.items()}
