"""When the registry is asked, and what is said while it does not answer."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.gateway.installation import MovingClock

from gateway.models.errors import NoModelError
from gateway.models.service import ChampionWatch
from ictus.domain.errors import UnavailableError
from ictus.model.manifest import ModelManifest

FRESH = timedelta(seconds=15)


@dataclass
class Registry:
    """A registry that a test switches off and on; counts what it is asked."""

    manifests: dict[str, ModelManifest]
    promoted: str | None
    away: bool = False
    asked: list[str] = field(default_factory=list)

    def champion(self) -> str | None:
        self.asked.append("champion")
        if self.away:
            raise UnavailableError
        return self.promoted

    def manifest(self, version: str) -> ModelManifest:
        self.asked.append(version)
        return self.manifests[version]


@pytest.fixture
def registry(manifest: ModelManifest) -> Registry:
    newer = manifest.model_copy(update={"version": "1.1.0"})
    return Registry({"1.0.0": manifest, "1.1.0": newer}, "1.0.0")


@pytest.fixture
def watch(registry: Registry, clock: MovingClock) -> ChampionWatch:
    return ChampionWatch(lambda: registry, clock, FRESH)


def version_of(watch: ChampionWatch) -> str:
    return watch.current()[0].version


def test_registry_is_asked_once_in_a_while(
    watch: ChampionWatch, registry: Registry, clock: MovingClock
) -> None:
    for _ in range(3):
        assert version_of(watch) == "1.0.0"
    assert registry.asked == ["champion", "1.0.0"]
    clock.advance(seconds=15)
    assert version_of(watch) == "1.0.0"
    assert registry.asked == ["champion", "1.0.0", "champion"], "the same version is not fetched again"
    registry.promoted = "1.1.0"
    clock.advance(seconds=15)
    assert version_of(watch) == "1.1.0"


def test_what_was_known_is_said_while_the_registry_is_away(
    watch: ChampionWatch, registry: Registry, clock: MovingClock
) -> None:
    known_at = watch.current()[1]
    registry.away = True
    clock.advance(hours=3)
    manifest, still_known_at = watch.current()
    assert (manifest.version, still_known_at) == ("1.0.0", known_at)


def test_registry_that_is_away_is_not_asked_by_every_request(
    watch: ChampionWatch, registry: Registry, clock: MovingClock
) -> None:
    registry.away = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            watch.current()
    assert registry.asked == ["champion"]
    registry.away = False
    clock.advance(seconds=15)
    assert version_of(watch) == "1.0.0"


def test_no_promoted_model_is_told_from_a_registry_that_is_away(
    watch: ChampionWatch, registry: Registry
) -> None:
    registry.promoted = None
    with pytest.raises(NoModelError):
        watch.current()
