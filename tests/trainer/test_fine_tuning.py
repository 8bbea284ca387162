"""The last stage and the head learn from images of cases, and everything made of embeddings is made again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from tests.conftest import S3Server
from tests.ictus.conftest import manifest
from tests.trainer.drawn_patients import write_dataset
from tests.trainer.imaged import Imaged, make_imaged, short

from ictus.domain.errors import ConflictError
from ictus.model.manifest import Architecture, ModelManifest
from ictus.model.suitability import load_statistics
from ictus.storage import ObjectStore
from trainer.continual.candidate import load_version
from trainer.continual.cases import CasesRefusedError
from trainer.continual.fine_tuning import ImageTraining
from trainer.continual.images import (
    MethodUnavailableError,
    fetch_scans,
    missing_for_fine_tuning,
    open_replay,
)
from trainer.continual.retraining import Order, Report, Retrained, prepare
from trainer.exemplars import read_embedded
from trainer.training.head import predict

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = Order("1.1.0", 3, BEGAN)
Make = Callable[..., ImageTraining]


@pytest.fixture(scope="module")
def imaged(tmp_path_factory: pytest.TempPathFactory, architecture: Architecture) -> Imaged:
    made: ModelManifest = manifest.__wrapped__()  # the fixture's function: it takes nothing
    return make_imaged(tmp_path_factory.mktemp("imaged"), made, architecture)


@pytest.fixture(scope="module")
def store(s3: S3Server, imaged: Imaged) -> ObjectStore:
    made = ObjectStore(s3.endpoint, s3.access_key, s3.secret_key, f"scans-{uuid4().hex}", secure=False)
    made.ensure_bucket()
    for key, data in imaged.objects.items():
        made.put_bytes(key, data)
    return made


@pytest.fixture(scope="module")
def make(imaged: Imaged, store: ObjectStore) -> Make:
    def one(
        folder: Path, report: Report = lambda *_: None, now: datetime = BEGAN, **changes: object
    ) -> ImageTraining:
        permitted = short(**changes)
        scans = fetch_scans(imaged.scans, imaged.cases, store, folder / "scans")
        prepared = prepare(imaged.model, imaged.cases, permitted, ORDER.seed)
        kept = np.isin(imaged.cases.cases, prepared.screened.slices.cases)
        pictures = tuple(scan for scan, is_kept in zip(scans, kept, strict=True) if is_kept and scan)
        replay = open_replay(imaged.dataset, imaged.model)
        return ImageTraining(prepared, replay, pictures, permitted, ORDER, folder, report, lambda: now)

    return one


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def retrained(make: Make, steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> Retrained:
    def report(stage: str, fraction: float, figures: dict[str, float]) -> None:
        steps.append(stage)

    return make(tmp_path_factory.mktemp("training"), report).retrain("d" * 64)


def test_backbones_learn_and_everything_made_of_embeddings_is_made_again(
    imaged: Imaged, retrained: Retrained
) -> None:
    base, made = imaged.model, retrained.model
    assert made.manifest.embedding_space not in (None, base.manifest.embedding_space)
    assert made.manifest.training.evaluation.startswith("Fine-tuning of layer4")
    head = load_version(made).head
    for name in ("replay.safetensors", "test-set.safetensors"):
        before, after = read_embedded(base.path / name), read_embedded(made.path / name)
        assert not np.allclose(before.embedding, after.embedding, atol=1e-2)
        assert np.isfinite(predict(head, after.embedding)).all()
    before, after = (read_embedded(m.path / "test-set.safetensors") for m in (base, made))
    np.testing.assert_array_equal(before.patients, after.patients)
    np.testing.assert_array_equal(before.labels, after.labels)
    assert before.groups.keys() == after.groups.keys()
    assert not set(read_embedded(made.path / "replay.safetensors").patients) & set(after.patients)
    limits = made.manifest.suitability.embedding
    assert limits is not None
    assert limits.compared  # fitted again, on the new embeddings
    assert load_statistics(made.path, limits).axes.shape == (made.manifest.embedding_size, 4)


def test_graph_of_a_candidate_gives_the_embedding_that_it_carries(
    imaged: Imaged, retrained: Retrained
) -> None:
    from ictus.model.manifest import INPUT_PIXELS, OUTPUT_EMBEDDING
    from ictus.model.preprocess import prepare as prepared_pixels
    from trainer.data import read_picture
    from trainer.features import open_session

    replay = open_replay(imaged.dataset, imaged.model)
    row = int(np.flatnonzero(replay.is_test)[0])
    volume = read_picture(replay.dataset.slices[row].path)
    pixels = prepared_pixels(volume, retrained.model.manifest.preprocess).pixels
    session = open_session(retrained.model.graph, threads=1)
    embedding = session.run([OUTPUT_EMBEDDING], {INPUT_PIXELS: pixels})[0][0]
    kept = read_embedded(retrained.model.path / "test-set.safetensors").embedding[0]
    assert np.linalg.norm(embedding - kept) < 0.02 * np.linalg.norm(kept)


def test_gate_compares_both_versions_on_the_same_slices_and_asks_about_suitability(
    retrained: Retrained, steps: list[str]
) -> None:
    checks = {check.name: check for check in retrained.gate.checks}
    assert checks["test_set_unsuitable"].measured is not None
    assert checks["permitted_parts"].passed, checks["permitted_parts"].sentence
    assert {"test_auc", "champion_test_auc"} <= retrained.metrics.keys()
    wanted = ["Running the frozen part", "Fine-tuning", "Exporting", "Judging"]
    assert sorted(set(steps) & set(wanted), key=steps.index) == wanted


def test_stopped_training_goes_on_to_the_same_candidate(
    make: Make, retrained: Retrained, tmp_path: Path
) -> None:
    """Stopped while the frozen part runs, in the second epoch, and before it is judged."""

    def stop_at(stage: str, least: float) -> Report:
        def report(at: str, fraction: float, figures: dict[str, float]) -> None:
            if at == stage and max([fraction, *figures.values()]) >= least:
                raise ConflictError

        return report

    for stage, least in (("Running the frozen part", 40), ("Fine-tuning", 1.2), ("Judging", 0.0)):
        with pytest.raises(ConflictError):
            make(tmp_path, stop_at(stage, least)).retrain("d" * 64)
    resumed = make(tmp_path).retrain("d" * 64)
    assert resumed.model.sha256 == retrained.model.sha256
    assert resumed.gate == retrained.gate


def test_no_epoch_begins_after_the_minutes_are_over(make: Make, tmp_path: Path) -> None:
    late = BEGAN + timedelta(minutes=2)
    made = make(tmp_path, now=late, minutes=1.0, epochs=5).retrain("d" * 64)
    assert " 1 epochs" in made.model.manifest.training.evaluation


def test_scan_that_is_gone_leaves_its_case_out(imaged: Imaged, store: ObjectStore, tmp_path: Path) -> None:
    gone = (imaged.scans[0].model_copy(update={"volume_key": "studies/gone"}), *imaged.scans[1:])
    scans = fetch_scans(gone, imaged.cases, store, tmp_path)
    assert [scan is None for scan in scans] == (imaged.cases.cases == 0).tolist()


def test_references_of_other_slices_are_refused(imaged: Imaged, store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(CasesRefusedError):
        fetch_scans(imaged.scans[1:], imaged.cases, store, tmp_path)


def test_another_data_set_is_no_replay(imaged: Imaged, tmp_path: Path) -> None:
    with pytest.raises(MethodUnavailableError, match="not the one"):
        open_replay(write_dataset(tmp_path / "other", patients=20), imaged.model)
    with pytest.raises(MethodUnavailableError, match="cannot be read"):
        open_replay(tmp_path, imaged.model)


def test_other_pictures_under_the_same_names_are_no_replay(
    imaged: Imaged, make: Make, tmp_path: Path
) -> None:
    training = make(tmp_path)
    flipped = tuple(training._dataset.slices[::-1])
    training._dataset = replace(training._dataset, slices=flipped)
    with pytest.raises(MethodUnavailableError, match="other pictures"):
        training.retrain("d" * 64)


def test_what_is_missing_is_said_before_anybody_starts(tmp_path: Path) -> None:
    there = write_dataset(tmp_path / "replay", patients=2)
    assert missing_for_fine_tuning(there, has_objects=True) is None
    empty = missing_for_fine_tuning(tmp_path, has_objects=True)
    assert empty is not None
    assert "holds no data set" in empty
    nothing = missing_for_fine_tuning(None, has_objects=False)
    assert nothing is not None
    assert "ICTUS_REPLAY_DATASET" in nothing
    assert "ICTUS_S3_ENDPOINT" in nothing
    elsewhere = missing_for_fine_tuning(tmp_path / "nowhere", has_objects=True)
    assert elsewhere is not None
    assert "nowhere" in elsewhere
    assert str(tmp_path) not in elsewhere
