"""The whole analysis with the real starter model."""

from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
import pytest
from safetensors.numpy import load
from tests.inference.conftest import OPTIONS, STARTER, ignore_progress

from ictus.domain.enums import Disposition, Finding, Modality, SourceFormat, Stage
from ictus.imaging import phantom
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.intensity import head_intensity
from ictus.model.preprocess import prepare
from ictus.storage import keys
from inference.artefacts import LoadedModel, load_model
from inference.engine import EngineOptions
from inference.pipeline import SeriesInput, analyse
from inference.results import KeptResults


def series_of(volume: Volume) -> SeriesInput:
    return SeriesInput(uuid4(), len(volume.voxels), lambda: volume)


def test_every_slice_of_a_head_ct_is_answered_and_pictured(starter: LoadedModel, head: Volume) -> None:
    results, series = KeptResults(), series_of(head)
    answer = analyse(starter, [series], results, ignore_progress)
    (read,) = answer.series
    assert [item.index for item in read.slices] == list(range(9))
    assert all(item.stroke_probability is not None for item in read.slices)
    assert answer.driving_series_id == series.series_id
    assert answer.finding is not None
    assert answer.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
    assert answer.model_version == starter.directory.manifest.version
    assert answer.model_sha256 == starter.directory.sha256
    assert read.intensity is not None
    assert (
        answer.intensity
        == read.intensity
        == head_intensity(
            prepare(head, starter.directory.manifest.preprocess), starter.directory.manifest.preprocess
        )
    )
    named = {item.overlay_key for item in read.slices}
    named |= {read.slices[index].picture_key for index in read.key_slices}
    named |= {read.slices[index].plain_key for index in read.key_slices}
    assert named | {read.embedding_key} == set(results.objects)


def test_probabilities_do_not_depend_on_how_slices_are_batched(
    starter: LoadedModel, model_folder: Path, head: Volume
) -> None:
    singly = load_model(model_folder, EngineOptions(threads=1, batch=1))
    by_one = analyse(singly, [series_of(head)], None, ignore_progress).series[0]
    by_two = analyse(starter, [series_of(head)], None, ignore_progress).series[0]
    assert OPTIONS.batch == 2
    np.testing.assert_allclose(
        [item.stroke_probability for item in by_one.slices],
        [item.stroke_probability for item in by_two.slices],
        atol=1e-4,
    )


def test_an_answer_that_nobody_looks_at_is_the_same_and_names_no_object(
    starter: LoadedModel, head: Volume
) -> None:
    series = series_of(head)
    pictured = analyse(starter, [series], KeptResults(), ignore_progress)
    bare = analyse(starter, [series], None, ignore_progress)
    assert bare.stroke_probability == pictured.stroke_probability
    assert bare.disposition is pictured.disposition
    (read,) = bare.series
    assert read.key_slices == pictured.series[0].key_slices
    named = {key for item in read.slices for key in (item.overlay_key, item.picture_key, item.plain_key)}
    assert named | {read.embedding_key} == {None}


def test_stored_embedding_and_heatmaps_are_the_graphs(starter: LoadedModel, head: Volume) -> None:
    results, series = KeptResults(), series_of(head)
    analyse(starter, [series], results, ignore_progress)
    stored = load(results.objects[keys.embedding_key("", series.series_id)])
    output = starter.engine.run(prepare(head, starter.directory.manifest.preprocess).pixels)
    assert stored["embedding"].dtype == np.float16
    assert stored["embedding"].shape == (9, starter.directory.manifest.embedding_size)  # every slice
    np.testing.assert_allclose(stored["embedding"], output.embedding, rtol=2e-3, atol=2e-3)
    for name in ("heatmap", "heatmap_resnet", "heatmap_mobilenet"):
        np.testing.assert_allclose(stored[name], getattr(output, name), rtol=1e-3, atol=1e-5)
        assert stored[name].min() >= 0


def test_mr_is_not_validated_and_shows_no_heat(starter: LoadedModel) -> None:
    answer = analyse(
        starter, [series_of(phantom.head_mr(slices=9, size=128))], KeptResults(), ignore_progress
    )
    assert answer.disposition is Disposition.NOT_VALIDATED
    assert answer.finding is None
    assert answer.confidence is None
    assert all(item.overlay_key is None for item in answer.series[0].slices)


def test_the_ct_series_of_a_mixed_study_drives_the_answer(starter: LoadedModel, head: Volume) -> None:
    mr, ct = series_of(phantom.head_mr(slices=9, size=128)), series_of(head)
    answer = analyse(starter, [mr, ct], None, ignore_progress)
    assert answer.driving_series_id == ct.series_id
    assert [item.modality for item in answer.series] == [Modality.MR, Modality.CT]


def test_progress_goes_through_every_slice_of_every_series(starter: LoadedModel, head: Volume) -> None:
    seen: list[tuple[Stage, int, int]] = []

    def note(stage: Stage, done: int = 0, total: int = 0) -> None:
        seen.append((stage, done, total))

    analyse(starter, [series_of(head), series_of(head)], KeptResults(), note)
    assert {total for _, _, total in seen} == {18}
    classified = [done for stage, done, _ in seen if stage is Stage.CLASSIFYING]
    assert classified == [2, 4, 6, 8, 9, 11, 13, 15, 17, 18]
    assert seen[-1] == (Stage.STORING, 18, 18)


def test_a_report_that_raises_ends_the_analysis(starter: LoadedModel, head: Volume) -> None:
    class GivenUpError(Exception):
        pass

    def stop(stage: Stage, done: int = 0, total: int = 0) -> None:
        if done == 4:
            raise GivenUpError

    with pytest.raises(GivenUpError):
        analyse(starter, [series_of(head)], KeptResults(), stop)


def test_the_shipped_model_finds_a_drawn_bleed_and_says_how_novel_the_head_is(head: Volume) -> None:
    answer = analyse(load_model(STARTER, OPTIONS), [series_of(head)], KeptResults(), ignore_progress)
    assert (answer.disposition, answer.finding) == (Disposition.CONFIDENT, Finding.STROKE)
    assert answer.novelty is not None
    assert 0 < answer.novelty < 1
    assert answer.novelty == answer.series[0].novelty


@pytest.mark.shared_data
def test_the_shipped_model_answers_real_slices(shared_data: Path) -> None:
    model = load_model(STARTER, OPTIONS)
    for name in ("Stroke", "Normal"):
        file = sorted((shared_data / "ct-ich" / name).glob("*.jpg"))[12]
        grey = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        volume = Volume(grey[None], Modality.CT, SourceFormat.JPEG, VoxelUnits.DISPLAY)
        answer = analyse(model, [series_of(volume)], KeptResults(), ignore_progress)
        assert answer.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
        assert answer.series[0].slices[0].overlay_key is not None
        assert answer.novelty is not None
        assert 0 < answer.novelty <= 1
