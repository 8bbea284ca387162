"""Models of this worker: found through the registry, verified, and swapped between jobs.

A thread asks the registry for the champion, at once when somebody rings and now and then anyway. A new
champion is fetched, verified, loaded and tried out beside the one that is answering; only then does it
take over, for the next job. Whatever goes wrong on the way, the present model goes on answering. The last
good version is remembered on disk, so a worker starts without the registry.

A job may name a version of its own (a canary, a shadow, a second look): it is loaded beside the champion. At
most two networks are in memory. A third waits until the one that is neither the champion nor at work is dropped.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

import numpy as np
import structlog

from ictus.contracts.jobs import MODEL_VERSION_UNAVAILABLE
from ictus.domain.errors import IctusError, NotFoundError, UnavailableError
from ictus.model.manifest import ModelDirectory, ModelRefusedError, load_model_directory
from ictus.model.signature import load_signed_model_directory
from ictus.model.suitability import EmbeddingStatistics, load_statistics
from inference.engine import Engine, EngineOptions
from inference.shelf import ModelShelf

_log = structlog.get_logger(__name__)

_IN_MEMORY: Final = 2
"""Networks in memory at most: the champion, and one beside it."""

_STOP_SECONDS: Final = 1.0
"""How soon a thread that waits for room notices that the worker stops."""


class ModelUnavailableError(UnavailableError):
    """No model is loaded yet."""

    code: ClassVar[str] = "model_unavailable"
    title: ClassVar[str] = "No model is ready yet. Analysis starts by itself as soon as one is."


class VersionRefusedError(IctusError):
    """The version that a job names does not exist or must not be used."""

    code: ClassVar[str] = MODEL_VERSION_UNAVAILABLE
    title: ClassVar[str] = "The model version that was asked for cannot be used."


class VersionAwayError(UnavailableError):
    """The version that a job names cannot be fetched now."""

    code: ClassVar[str] = MODEL_VERSION_UNAVAILABLE
    title: ClassVar[str] = "The model version that was asked for cannot be fetched at the moment."


class ModelSource(Protocol):
    """What is asked of the registry (``ictus.registry``)."""

    def champion(self) -> str | None:
        """The version that should answer; None when none was promoted yet."""

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        """Bring a version's directory to ``into/<version>``, whole and verified."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A verified model that is ready to answer.

    Attributes:
        directory: files and manifest.
        engine: the loaded network.
        statistics: of the embedding check; None when the manifest has none.
    """

    directory: ModelDirectory
    engine: Engine
    statistics: EmbeddingStatistics | None

    @property
    def version(self) -> str:
        """The version, as the registry and the manifest name it."""
        return self.directory.manifest.version


def load_model(path: Path, options: EngineOptions, public_key: str | None = None) -> LoadedModel:
    """Verify a model directory, load its network and try it on one blank slice.

    Args:
        path: the directory.
        options: how the network runs here.
        public_key: PEM of whoever may release models; None takes a directory of one's own without a signature.

    Raises:
        ModelRefusedError: it is not signed with the key, a file is missing or changed, or the graph does not do
            what the manifest says.
    """
    directory = (
        load_model_directory(path) if public_key is None else load_signed_model_directory(path, public_key)
    )
    manifest = directory.manifest
    engine = Engine(directory.graph, options)
    size = manifest.preprocess.size
    try:
        output = engine.run(np.zeros((1, 3, size, size), dtype=np.float32))
    except Exception as error:  # the runtime's error classes share no public base
        raise ModelRefusedError("The model's graph does not run.") from error
    if (output.logits.shape, output.embedding.shape) != (
        (1, len(manifest.classes)),
        (1, manifest.embedding_size),
    ):
        raise ModelRefusedError("The model's graph does not fit its manifest.")
    limits = manifest.suitability.embedding
    return LoadedModel(directory, engine, load_statistics(path, limits) if limits is not None else None)


@dataclass(frozen=True, slots=True)
class _Bar:
    """A version that is not tried again before ``until`` (clock seconds), and why."""

    until: float
    reason: type[VersionRefusedError | VersionAwayError]
    detail: str


@dataclass(slots=True)
class _InMemory:
    """A loaded model, how many jobs it works for, and when (clock seconds) it last did."""

    model: LoadedModel
    used_at: float
    jobs: int = 0


class ModelStore:
    """The models of this worker. ``current`` may be called from any thread and never waits.

    Args:
        root: folder for the models; may be shared by the workers of one machine.
        open_registry: called at the first look, because the client is slow to import.
        options: how networks run here.
        public_key: PEM of whoever may release models; None loads unsigned ones too.
        poll_seconds: time between two looks at the registry, and how long a version that could not be fetched is
            not asked for again.
        refused_seconds: how long a version that was refused is not tried again.
        idle_seconds: how long a network beside the champion stays in memory without a job.
        monotonic: clock in seconds.
    """

    def __init__(
        self,
        root: Path,
        open_registry: Callable[[], ModelSource],
        options: EngineOptions,
        *,
        public_key: str | None,
        poll_seconds: float = 30.0,
        refused_seconds: float = 600.0,
        idle_seconds: float = 600.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shelf = ModelShelf(root)
        self._open_registry = open_registry
        self._options = options
        self._public_key = public_key
        self._poll_seconds = poll_seconds
        self._refused_seconds = refused_seconds
        self._idle_seconds = idle_seconds
        self._monotonic = monotonic
        self._registry: ModelSource | None = None
        self._current: LoadedModel | None = None
        self._in_memory: dict[str, _InMemory] = {}
        self._previous: str | None = None
        self._barred: dict[str, _Bar] = {}
        self._loading = (
            threading.Lock()
        )  # held while models come into memory or leave it; taken before _memory
        self._memory = threading.Condition()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._current is not None

    @property
    def versions_in_memory(self) -> frozenset[str]:
        """The versions that are loaded now, the champion among them."""
        with self._memory:
            return frozenset(self._in_memory)

    def current(self) -> LoadedModel:
        """The champion. Who works with it takes it through ``use``.

        Raises:
            ModelUnavailableError: none is loaded yet.
        """
        model = self._current
        if model is None:
            raise ModelUnavailableError
        return model

    @contextmanager
    def use(self, wanted: str | None) -> Iterator[LoadedModel]:
        """The model for one job: the champion for None, else the version named. A swap only concerns the next job.

        Raises:
            ModelUnavailableError: the champion is asked for, and none is loaded yet.
            VersionRefusedError: the version is not registered, or its files are damaged or not signed by the right
                key.
            VersionAwayError: it is not on this disk and the registry does not answer.
        """
        taken = self._take(wanted) or self._take_from_disk(wanted or "")
        try:
            yield taken.model
        finally:
            with self._memory:
                taken.jobs -= 1
                taken.used_at = self._monotonic()
                self._memory.notify_all()

    def _take(self, wanted: str | None) -> _InMemory | None:
        """What is asked for, if it is in memory, held for a job."""
        with self._memory:
            found = self._in_memory.get(self.current().version if wanted is None else wanted)
            if found is not None:
                found.jobs += 1
            return found

    def _take_from_disk(self, wanted: str) -> _InMemory:
        with self._loading:
            bar = self._bar_of(wanted)
            if bar is not None:
                raise bar.reason(bar.detail)
            try:
                taken = self._obtain(wanted)
            except (NotFoundError, ModelRefusedError) as error:
                _log.warning("named_version_refused", version=wanted, detail=error.detail)
                raise self._bar(wanted, VersionRefusedError, error.detail) from error
            except Exception as error:
                # Whatever the registry's client, the disk or the memory says: the champion can still answer.
                _log.warning("named_version_away", version=wanted, exc_info=error)
                raise self._bar(wanted, VersionAwayError) from error
            with self._memory:
                taken.jobs += 1
        return taken

    def load_last_good(self) -> None:
        """Load the model that answered last, if it is on disk and whole."""
        folder = self._shelf.last_good()
        if folder is None:
            return
        try:
            model = load_model(folder, self._options, self._public_key)
        except ModelRefusedError as error:
            _log.warning("last_good_model_refused", reason=str(error))
            return
        self._keep(model, as_champion=True)
        _log.info("model_loaded_from_disk", version=model.version)

    def start(self) -> None:
        """Load the last good model from disk, if there is one, and begin to watch the registry."""
        self.load_last_good()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watching thread."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def wake(self) -> None:
        """Look at the registry now, and give refused versions another chance."""
        self._barred.clear()
        self._wake.set()

    def refresh(self) -> bool:
        """Look at the registry once; whether another model answers from now on.

        Raises:
            IctusError: the registry does not answer, or the champion's files are refused. The present model
                stays.
        """
        with self._loading:
            champion = self._source().champion()
            present = self._current.version if self._current else None
            bar = self._bar_of(champion) if champion is not None else None
            if champion in {None, present} or (bar is not None and bar.reason is VersionRefusedError):
                return False
            try:
                model = self._obtain(champion).model
            except ModelRefusedError as error:
                self._bar(champion, VersionRefusedError, error.detail)
                raise
            self._previous = present
            self._keep(model, as_champion=True)
            self._shelf.remember(champion)
        _log.info("model_swapped", version=champion, before=present, sha256=model.directory.sha256)
        return True

    def drop_idle(self) -> None:
        """Free the memory of what has had no job for ``idle_seconds``; the champion stays."""
        now = self._monotonic()
        with self._loading, self._memory:
            for version, entry in list(self._in_memory.items()):
                if self._is_spare(entry) and now - entry.used_at >= self._idle_seconds:
                    del self._in_memory[version]
                    _log.info("model_dropped", version=version)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except IctusError as error:
                _log.warning("model_not_refreshed", code=error.code, detail=error.detail)
            except Exception:
                # This thread must outlive whatever the registry's client raises: the model goes on answering.
                _log.exception("model_refresh_failed")
            self.drop_idle()
            self._wake.wait(self._poll_seconds)
            self._wake.clear()

    def _source(self) -> ModelSource:
        if self._registry is None:
            self._registry = self._open_registry()
        return self._registry

    def _bar(
        self, version: str, reason: type[VersionRefusedError | VersionAwayError], why: str = ""
    ) -> IctusError:
        """Do not try a version again for some time; what to tell whoever asked for it."""
        seconds = self._refused_seconds if reason is VersionRefusedError else self._poll_seconds
        detail = f"{reason.title} {why}".rstrip()
        self._barred[version] = _Bar(self._monotonic() + seconds, reason, detail)
        return reason(detail)

    def _bar_of(self, version: str) -> _Bar | None:
        bar = self._barred.get(version)
        return bar if bar is not None and self._monotonic() < bar.until else None

    def _obtain(self, version: str) -> _InMemory:
        """Have a version in memory: from disk, or from the registry when it is not there or was damaged there."""
        with self._memory:
            if version in self._in_memory:
                return self._in_memory[version]
        folder = self._shelf.folder(version)
        is_fetched = not folder.is_dir()
        if is_fetched:
            self._source().fetch(version, self._shelf.versions)
        self._make_room()
        try:
            model = self._load(version, folder)
        except ModelRefusedError as error:
            if is_fetched:
                raise
            _log.warning("cached_model_refused", version=version, detail=error.detail)
            self._shelf.discard(version)
            self._source().fetch(version, self._shelf.versions)
            model = self._load(version, folder)
        kept = self._keep(model, as_champion=False)
        self._shelf.used(version, keep=self.versions_in_memory | {self._previous or version})
        return kept

    def _load(self, version: str, folder: Path) -> LoadedModel:
        model = load_model(folder, self._options, self._public_key)
        if model.version != version:
            raise ModelRefusedError("The model says that it is another version than the one asked for.")
        return model

    def _keep(self, model: LoadedModel, *, as_champion: bool) -> _InMemory:
        with self._memory:
            entry = self._in_memory.setdefault(model.version, _InMemory(model, self._monotonic()))
            if as_champion:
                if self._current is not None:
                    self._in_memory[self._current.version].used_at = self._monotonic()
                self._current = entry.model
            return entry

    def _is_spare(self, entry: _InMemory) -> bool:
        return entry.jobs == 0 and entry.model is not self._current

    def _make_room(self) -> None:
        """Drop what was not used for the longest time, until one more network may be loaded.

        Raises:
            VersionAwayError: the worker stops.
        """
        with self._memory:
            while len(self._in_memory) >= _IN_MEMORY:
                spare = [item for item in self._in_memory.items() if self._is_spare(item[1])]
                if spare:
                    version, _ = min(spare, key=lambda item: item[1].used_at)
                    del self._in_memory[version]
                    _log.info("model_dropped", version=version)
                elif self._stopping.is_set():
                    raise VersionAwayError
                else:
                    self._memory.wait(_STOP_SECONDS)
