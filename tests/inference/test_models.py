"""Models are swapped between jobs, and whatever goes wrong the present one goes on answering."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from tests.inference.conftest import OPTIONS, ignore_progress, revised
from tests.inference.waiting import wait_until

from ictus.domain.errors import UnavailableError
from ictus.imaging.volume import Volume
from ictus.model.manifest import WEIGHTS_FILE, ModelDirectory, ModelRefusedError, load_model_directory
from ictus.registry import Registry
from inference.artefacts import ModelStore, ModelUnavailableError, load_model
from inference.pipeline import SeriesInput, analyse
from local.model_keys import new_model_keys
from local.secret_files import ModelKeys


@dataclass
class Shelf:
    """Published model directories by version, and which of them is the champion."""

    versions: dict[str, Path]
    best: str | None = None
    answers: bool = True
    fetched: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)

    def champion(self) -> str | None:
        self.asked.set()
        if not self.answers:
            raise UnavailableError
        return self.best

    def fetch(self, version: str, into: Path) -> ModelDirectory:
        self.fetched.append(version)
        shutil.copytree(self.versions[version], into / version)
        return load_model_directory(into / version)


def store_at(root: Path, shelf: Shelf) -> ModelStore:
    return ModelStore(root, lambda: shelf, OPTIONS, public_key=None, poll_seconds=3600)


def damage(folder: Path) -> None:
    weights = folder / WEIGHTS_FILE
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)


@pytest.fixture
def shelf(another_version: Callable[[str], Path]) -> Shelf:
    return Shelf({"1": another_version("1"), "2": another_version("2")}, best="1")


def test_without_a_champion_no_model_answers(tmp_path: Path) -> None:
    store = store_at(tmp_path / "cache", Shelf({}))
    assert not store.refresh()
    assert not store.ready
    with pytest.raises(ModelUnavailableError):
        store.current()


def test_new_champion_answers_from_the_next_job_on(tmp_path: Path, shelf: Shelf, head: Volume) -> None:
    store = store_at(tmp_path / "cache", shelf)
    assert store.refresh()
    during_job = store.current()
    shelf.best = "2"
    assert store.refresh()
    answer = analyse(during_job, [SeriesInput(uuid4(), 9, lambda: head)], None, ignore_progress)
    assert answer.model_version == "1"  # the job that had begun is finished by the model that began it
    assert store.current().version == "2"
    assert not store.refresh()


def test_jobs_flow_on_while_models_are_swapped(tmp_path: Path, shelf: Shelf, head: Volume) -> None:
    store = store_at(tmp_path / "cache", shelf)
    store.refresh()
    single = Volume(head.voxels[4:5], head.modality, head.source_format, head.units)
    versions: list[str] = []
    swapped = threading.Event()

    def work() -> None:
        while not (swapped.is_set() and versions and versions[-1] == "2"):
            answer = analyse(
                store.current(), [SeriesInput(uuid4(), 1, lambda: single)], None, ignore_progress
            )
            versions.append(answer.model_version)

    worker = threading.Thread(target=work)
    worker.start()
    for best in ("2", "1", "2"):
        shelf.best = best
        assert store.refresh()
    swapped.set()
    worker.join(timeout=60)
    assert not worker.is_alive()
    assert set(versions) <= {"1", "2"}
    assert shelf.fetched == ["1", "2"]  # the roll-back came from disk


def test_corrupted_champion_is_refused_and_the_old_one_kept(tmp_path: Path, shelf: Shelf) -> None:
    store = store_at(tmp_path / "cache", shelf)
    store.refresh()
    damage(shelf.versions["2"])
    shelf.best = "2"
    with pytest.raises(ModelRefusedError):
        store.refresh()
    assert store.current().version == "1"
    assert not store.refresh()  # it is not fetched again and again
    assert shelf.fetched == ["1", "2"]


def test_starts_from_disk_when_the_registry_is_silent(tmp_path: Path, shelf: Shelf) -> None:
    store_at(tmp_path / "cache", shelf).refresh()
    shelf.answers = False
    later = store_at(tmp_path / "cache", shelf)
    later.start()
    try:
        assert later.current().version == "1"
        assert shelf.asked.wait(10)
        assert later.current().version == "1"
    finally:
        later.stop()


def test_damaged_copy_on_disk_is_fetched_again(tmp_path: Path, shelf: Shelf) -> None:
    store_at(tmp_path / "cache", shelf).refresh()
    damage(tmp_path / "cache" / "versions" / "1")
    later = store_at(tmp_path / "cache", shelf)
    assert later.refresh()
    assert later.current().version == "1"
    assert shelf.fetched == ["1", "1"]


def test_being_woken_is_enough_to_swap(tmp_path: Path, shelf: Shelf) -> None:
    store = store_at(tmp_path / "cache", shelf)
    store.start()
    try:
        assert shelf.asked.wait(10)
        wait_until(lambda: store.ready)
        shelf.best = "2"
        store.wake()
        wait_until(lambda: store.current().version == "2")
    finally:
        store.stop()


def test_promotion_in_the_real_registry_reaches_the_worker(
    tmp_path: Path,
    mlflow_url: str,
    model_keys: ModelKeys,
    another_version: Callable[[str], Path],
    sign_model: Callable[[Path], Path],
) -> None:
    registry = Registry(mlflow_url, f"worker-{uuid4().hex[:8]}", public_key=model_keys.public)
    for version in ("1", "2"):
        registry.publish(sign_model(another_version(version)))
    registry.promote("1")
    store = ModelStore(
        tmp_path / "cache", lambda: registry, OPTIONS, public_key=model_keys.public, poll_seconds=3600
    )
    assert store.refresh()
    assert store.current().version == "1"
    registry.promote("2")
    assert store.refresh()
    assert store.current().version == "2"


@pytest.mark.parametrize("fault", ["unsigned", "signed by another"])
def test_model_on_disk_without_the_right_signature_never_answers(
    tmp_path: Path,
    shelf: Shelf,
    fault: str,
    model_keys: ModelKeys,
    sign_model: Callable[[Path], Path],
) -> None:
    """What lies on the worker's disk is no more trusted than what the registry sends."""
    if fault == "signed by another":
        sign_model(shelf.versions["1"])
    store_at(tmp_path / "cache", shelf).refresh()
    trusted = model_keys.public if fault == "unsigned" else new_model_keys().public
    later = ModelStore(tmp_path / "cache", lambda: shelf, OPTIONS, public_key=trusted, poll_seconds=3600)
    later.load_last_good()
    assert not later.ready
    with pytest.raises(ModelRefusedError, match="not signed" if fault == "unsigned" else "another key"):
        later.refresh()
    assert not later.ready


def test_job_may_ask_for_a_version_of_its_own(tmp_path: Path, shelf: Shelf) -> None:
    store = store_at(tmp_path / "cache", shelf)
    store.refresh()
    assert store.version(None).version == "1"
    assert store.version("2").version == "2"
    assert store.current().version == "1"


def test_only_the_champion_and_the_one_before_stay_on_disk(
    tmp_path: Path, shelf: Shelf, another_version: Callable[[str], Path]
) -> None:
    shelf.versions["3"] = another_version("3")
    store = store_at(tmp_path / "cache", shelf)
    for best in ("1", "2", "3"):
        shelf.best = best
        store.refresh()
    assert sorted(folder.name for folder in (tmp_path / "cache" / "versions").iterdir()) == ["2", "3"]


def test_version_that_is_no_folder_name_is_refused(tmp_path: Path, shelf: Shelf) -> None:
    shelf.best = "../../etc"
    store = store_at(tmp_path / "cache", shelf)
    with pytest.raises(ModelRefusedError):
        store.refresh()
    assert shelf.fetched == []


def test_graph_that_does_not_fit_its_manifest_is_refused(tmp_path: Path, model_folder: Path) -> None:
    folder = revised(model_folder, tmp_path / "model", embedding_size=7)
    with pytest.raises(ModelRefusedError, match="does not fit"):
        load_model(folder, OPTIONS)
