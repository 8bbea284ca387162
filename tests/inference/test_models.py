"""Models are swapped between jobs, and whatever goes wrong the present one goes on answering."""

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from tests.inference.conftest import OPTIONS, ignore_progress, revised, store_at
from tests.inference.published import Published, damage
from tests.inference.waiting import wait_until

from ictus.imaging.volume import Volume
from ictus.model.manifest import ModelRefusedError
from ictus.registry import Registry
from inference.artefacts import ModelStore, ModelUnavailableError, load_model
from inference.pipeline import SeriesInput, analyse
from local.model_keys import new_model_keys
from local.secret_files import ModelKeys


def test_without_a_champion_no_model_answers(tmp_path: Path) -> None:
    store = store_at(tmp_path / "cache", Published({}))
    assert not store.refresh()
    assert not store.ready
    with pytest.raises(ModelUnavailableError):
        store.current()


def test_new_champion_answers_from_the_next_job_on(
    tmp_path: Path, published: Published, head: Volume
) -> None:
    store = store_at(tmp_path / "cache", published)
    assert store.refresh()
    with store.use(None) as during_job:
        published.best = "2"
        assert store.refresh()
        answer = analyse(during_job, [SeriesInput(uuid4(), 9, lambda: head)], None, ignore_progress)
    assert answer.model_version == "1"  # the job that had begun is finished by the model that began it
    assert store.current().version == "2"
    assert not store.refresh()


def test_jobs_flow_on_while_models_are_swapped(tmp_path: Path, published: Published, head: Volume) -> None:
    store = store_at(tmp_path / "cache", published)
    store.refresh()
    single = Volume(head.voxels[4:5], head.modality, head.source_format, head.units)
    versions: list[str] = []
    swapped = threading.Event()

    def work() -> None:
        while not (swapped.is_set() and versions and versions[-1] == "2"):
            with store.use(None) as model:
                answer = analyse(model, [SeriesInput(uuid4(), 1, lambda: single)], None, ignore_progress)
            versions.append(answer.model_version)

    worker = threading.Thread(target=work)
    worker.start()
    for best in ("2", "1", "2"):
        published.best = best
        assert store.refresh()
    swapped.set()
    worker.join(timeout=60)
    assert not worker.is_alive()
    assert set(versions) <= {"1", "2"}
    assert published.fetched == ["1", "2"]  # the roll-back came from disk


def test_corrupted_champion_is_refused_and_the_old_one_kept(tmp_path: Path, published: Published) -> None:
    store = store_at(tmp_path / "cache", published)
    store.refresh()
    damage(published.versions["2"])
    published.best = "2"
    with pytest.raises(ModelRefusedError):
        store.refresh()
    assert store.current().version == "1"
    assert not store.refresh()  # it is not fetched again and again
    assert published.fetched == ["1", "2"]


def test_starts_from_disk_when_the_registry_is_silent(tmp_path: Path, published: Published) -> None:
    store_at(tmp_path / "cache", published).refresh()
    published.answers = False
    later = store_at(tmp_path / "cache", published)
    later.start()
    try:
        assert later.current().version == "1"
        assert published.asked.wait(10)
        assert later.current().version == "1"
    finally:
        later.stop()


def test_damaged_copy_on_disk_is_fetched_again(tmp_path: Path, published: Published) -> None:
    store_at(tmp_path / "cache", published).refresh()
    damage(tmp_path / "cache" / "versions" / "1")
    later = store_at(tmp_path / "cache", published)
    assert later.refresh()
    assert later.current().version == "1"
    assert published.fetched == ["1", "1"]


def test_being_woken_is_enough_to_swap(tmp_path: Path, published: Published) -> None:
    store = store_at(tmp_path / "cache", published)
    store.start()
    try:
        assert published.asked.wait(10)
        wait_until(lambda: store.ready)
        published.best = "2"
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
    published: Published,
    fault: str,
    model_keys: ModelKeys,
    sign_model: Callable[[Path], Path],
) -> None:
    """What lies on the worker's disk is no more trusted than what the registry sends."""
    if fault == "signed by another":
        sign_model(published.versions["1"])
    store_at(tmp_path / "cache", published).refresh()
    trusted = model_keys.public if fault == "unsigned" else new_model_keys().public
    later = ModelStore(tmp_path / "cache", lambda: published, OPTIONS, public_key=trusted, poll_seconds=3600)
    later.load_last_good()
    assert not later.ready
    with pytest.raises(ModelRefusedError, match="not signed" if fault == "unsigned" else "another key"):
        later.refresh()
    assert not later.ready


def test_version_that_is_no_folder_name_is_refused(tmp_path: Path, published: Published) -> None:
    published.best = "../../etc"
    store = store_at(tmp_path / "cache", published)
    with pytest.raises(ModelRefusedError):
        store.refresh()
    assert published.fetched == []


def test_graph_that_does_not_fit_its_manifest_is_refused(tmp_path: Path, model_folder: Path) -> None:
    folder = revised(model_folder, tmp_path / "model", embedding_size=7)
    with pytest.raises(ModelRefusedError, match="does not fit"):
        load_model(folder, OPTIONS)
