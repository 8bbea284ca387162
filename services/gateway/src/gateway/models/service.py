"""Which model is in use: the registry's champion, remembered for a short time.

The registry is not needed for patients' results, so its absence is no reason to say nothing: what was last
known goes on being said, with its time. While one request asks the registry, the others do not wait for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import structlog

from gateway.models.errors import NoModelError
from gateway.models.registry import ModelSource
from ictus.domain.errors import UnavailableError
from ictus.model.manifest import ModelManifest

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Champion:
    """The model in use, and when the registry last said so. ``manifest`` is None when none was promoted."""

    manifest: ModelManifest | None
    known_at: datetime


class ChampionWatch:
    """Knows the model in use.

    Args:
        open_registry: called when something is first asked.
        clock: gives the present time.
        fresh_for: how long the registry is not asked again, whether or not it answered.
    """

    def __init__(
        self,
        open_registry: Callable[[], ModelSource],
        clock: Callable[[], datetime],
        fresh_for: timedelta,
    ) -> None:
        self._open_registry = open_registry
        self._clock = clock
        self._fresh_for = fresh_for
        self._asking = Lock()
        self._registry: ModelSource | None = None
        self._asked_at: datetime | None = None
        self._known: Champion | None = None

    def current(self) -> tuple[ModelManifest, datetime]:
        """The manifest of the model in use, and when the registry last said so.

        Raises:
            NoModelError: none was promoted.
            UnavailableError: the registry does not answer, and has not answered since this process began.
        """
        if self._is_due() and self._asking.acquire(blocking=self._known is None):
            try:
                if self._is_due():
                    self._ask()
            finally:
                self._asking.release()
        if self._known is None:
            raise UnavailableError("The model registry is not answering. Please try again in a moment.")
        if self._known.manifest is None:
            raise NoModelError
        return self._known.manifest, self._known.known_at

    def ask_anew(self) -> None:
        """Ask the registry at the next question, since the model in use has just been changed."""
        self._asked_at = None

    def _is_due(self) -> bool:
        return self._asked_at is None or self._clock() - self._asked_at >= self._fresh_for

    def _ask(self) -> None:
        try:
            if self._registry is None:
                self._registry = self._open_registry()
            version = self._registry.champion()
            manifest = None if version is None else self._manifest(self._registry, version)
            self._known = Champion(manifest, self._clock())
        except Exception as error:  # whatever the registry's client raises, what is known stays known
            _log.warning("champion_unknown", exc_info=error)
        finally:
            self._asked_at = self._clock()

    def _manifest(self, registry: ModelSource, version: str) -> ModelManifest:
        known = self._known.manifest if self._known else None
        if known is not None and known.version == version:  # a registered version never changes
            return known
        return registry.manifest(version)
