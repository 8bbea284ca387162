"""Beside the champion a worker serves the version that a job names, and never holds a third network."""

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from tests.inference.conftest import ignore_progress, store_at
from tests.inference.published import Published, damage
from tests.inference.waiting import wait_until

from ictus.contracts.jobs import MODEL_VERSION_UNAVAILABLE
from ictus.imaging.volume import Volume
from inference.artefacts import ModelStore, VersionAwayError, VersionRefusedError
from inference.engine import Engine
from inference.pipeline import SeriesInput, analyse


@pytest.fixture
def three(published: Published, another_version: Callable[[str], Path]) -> Published:
    """A third version beside the two."""
    published.versions["3"] = another_version("3")
    return published


@pytest.fixture
def store(tmp_path: Path, published: Published) -> ModelStore:
    """A worker whose champion is version 1."""
    models = store_at(tmp_path / "cache", published)
    models.refresh()
    return models


def engine_of(store: ModelStore, version: str) -> weakref.ref[Engine]:
    with store.use(version) as model:
        return weakref.ref(model.engine)


def test_champion_and_a_named_version_answer_in_turn(store: ModelStore, head: Volume) -> None:
    answered = []
    for wanted in (None, "2", None, "1", "2"):
        with store.use(wanted) as model:
            answer = analyse(model, [SeriesInput(uuid4(), 9, lambda: head)], None, ignore_progress)
        answered.append(answer.model_version)
    assert answered == ["1", "2", "1", "1", "2"]
    assert store.current().version == "1"
    assert store.versions_in_memory == {"1", "2"}


def test_third_version_takes_the_place_of_the_one_beside_the_champion(
    store: ModelStore, three: Published
) -> None:
    second = engine_of(store, "2")
    assert second() is not None
    with store.use(None):  # the champion was used last, and stays all the same
        pass
    third = engine_of(store, "3")
    assert store.versions_in_memory == {"1", "3"}
    assert second() is None  # its memory is free again
    assert third() is not None


def test_version_at_work_is_waited_for(store: ModelStore, three: Published) -> None:
    loaded = threading.Event()

    def ask_for_the_third() -> None:
        with store.use("3"):
            loaded.set()

    other = threading.Thread(target=ask_for_the_third)
    with store.use("2"):
        other.start()
        wait_until(lambda: "3" in three.fetched)
        assert not loaded.wait(0.3)
        assert store.versions_in_memory == {"1", "2"}
    assert loaded.wait(30)
    other.join()
    assert store.versions_in_memory == {"1", "3"}


def test_swap_waits_for_the_job_of_a_champion_before_the_last(store: ModelStore, three: Published) -> None:
    with store.use(None) as first:
        three.best = "2"
        assert store.refresh()
        three.best = "3"
        swap = threading.Thread(target=store.refresh)
        swap.start()
        wait_until(lambda: "3" in three.fetched)
        assert store.current().version == "2"  # which answers meanwhile
        assert first.version == "1"
    swap.join(timeout=30)
    assert store.current().version == "3"
    assert store.versions_in_memory == {"2", "3"}


def test_challenger_that_is_promoted_is_not_loaded_again(store: ModelStore, published: Published) -> None:
    challenger = engine_of(store, "2")
    published.best = "2"
    assert store.refresh()
    assert store.current().engine is challenger()
    published.best = "1"
    first = engine_of(store, "1")
    assert store.refresh()  # the roll-back
    assert store.current().engine is first()
    assert published.fetched == ["1", "2"]


def test_network_without_jobs_leaves_the_memory_in_time(tmp_path: Path, published: Published) -> None:
    now = [0.0]
    store = store_at(tmp_path / "cache", published, monotonic=lambda: now[0])
    store.refresh()
    second = engine_of(store, "2")
    now[0] = 599
    store.drop_idle()
    assert store.versions_in_memory == {"1", "2"}
    with store.use("2"):
        now[0] = 2000
        store.drop_idle()  # a long job is no idleness
        assert store.versions_in_memory == {"1", "2"}
    now[0] = 2600
    store.drop_idle()
    assert store.versions_in_memory == {"1"}
    assert second() is None


def test_version_that_nobody_registered_is_refused(store: ModelStore) -> None:
    with pytest.raises(VersionRefusedError, match="not registered") as refusal, store.use("9"):
        pass
    assert refusal.value.code == MODEL_VERSION_UNAVAILABLE
    assert store.current().version == "1"


def test_damaged_version_is_refused_and_not_fetched_for_every_job(
    store: ModelStore, published: Published
) -> None:
    damage(published.versions["2"])
    for _ in range(3):
        with pytest.raises(VersionRefusedError), store.use("2"):
            pass
    assert published.fetched == ["1", "2"]
    store.wake()  # somebody rang: what was refused gets another chance
    with pytest.raises(VersionRefusedError), store.use("2"):
        pass
    assert published.fetched == ["1", "2", "2"]


def test_directory_that_holds_another_version_is_refused(store: ModelStore, published: Published) -> None:
    published.versions["2"] = published.versions["1"]
    with pytest.raises(VersionRefusedError, match="another version"), store.use("2"):
        pass


def test_silent_registry_is_asked_again_only_after_a_while(tmp_path: Path, published: Published) -> None:
    now = [0.0]
    store = store_at(tmp_path / "cache", published, monotonic=lambda: now[0])
    store.refresh()
    published.answers = False
    with pytest.raises(VersionAwayError) as absence, store.use("2"):
        pass
    assert absence.value.code == MODEL_VERSION_UNAVAILABLE
    published.answers = True
    with pytest.raises(VersionAwayError), store.use("2"):  # at once: no job waits for a time-out
        pass
    assert published.fetched == ["1"]
    now[0] = 3601
    with store.use("2") as model:
        assert model.version == "2"


def test_silence_about_a_named_version_does_not_hold_up_its_promotion(
    store: ModelStore, published: Published
) -> None:
    published.answers = False
    with pytest.raises(VersionAwayError), store.use("2"):
        pass
    published.answers = True
    published.best = "2"
    assert store.refresh()


def test_kept_version_answers_while_the_registry_is_silent(
    tmp_path: Path, store: ModelStore, published: Published
) -> None:
    engine_of(store, "2")
    later = store_at(tmp_path / "cache", published)
    later.load_last_good()
    published.answers = False
    with later.use("2") as model:
        assert model.version == "2"


def test_disk_keeps_the_champion_the_one_before_and_a_named_one(
    tmp_path: Path, store: ModelStore, three: Published, another_version: Callable[[str], Path]
) -> None:
    three.versions |= {version: another_version(version) for version in ("4", "5")}
    versions = tmp_path / "cache" / "versions"
    abandoned, under_way = versions / ".part-killed", versions / ".part-another-worker"
    for part in (abandoned, under_way):
        part.mkdir()
    os.utime(abandoned, (0, 0))
    three.best = "2"
    store.refresh()
    for named in ("3", "4", "5"):
        engine_of(store, named)
    assert {folder.name for folder in versions.iterdir()} == {"1", "2", "5", under_way.name}
