import cv2
import numpy as np
import pytest

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.phantom import Bleed, head_ct, head_mr, photograph
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.orientation import UprightStatistics, upright_traits
from ictus.model.preprocess import PreparedSlices, PreprocessParams, prepare
from ictus.model.suitability import (
    EmbeddingLimits,
    EmbeddingStatistics,
    ImageLimits,
    LikenessLimits,
    OrientationLimits,
    SuitabilityFault,
    embedding_faults,
    embedding_novelty,
    image_faults,
    is_upside_down,
)


def prepared_picture(grey: np.ndarray) -> PreparedSlices:
    voxels = grey.astype(np.uint8)[np.newaxis]
    return prepare(Volume(voxels, Modality.CT, SourceFormat.PNG, VoxelUnits.DISPLAY), PreprocessParams())


def only_fault(prepared: PreparedSlices, colourfulness: float = 0.0) -> SuitabilityFault | None:
    (fault,) = set(image_faults(prepared, colourfulness, ImageLimits(), expects_head_ct=True))
    return fault


@pytest.mark.parametrize("bleed", [None, Bleed()])
def test_head_ct_passes(bleed: Bleed | None) -> None:
    assert only_fault(prepare(head_ct(8, 256, bleed), PreprocessParams())) is None


def test_colour_is_refused() -> None:
    assert only_fault(prepare(head_ct(2, 128), PreprocessParams()), 0.3) is SuitabilityFault.COLOUR


def test_photograph_without_its_colours_is_refused() -> None:
    decoded = cv2.imdecode(np.frombuffer(photograph(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    assert only_fault(prepared_picture(np.asarray(decoded))) is SuitabilityFault.NO_HEAD


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_is_refused(level: int) -> None:
    assert only_fault(prepared_picture(np.full((128, 128), level))) is SuitabilityFault.BLANK


def test_noise_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256))
    assert only_fault(prepared_picture(noise)) is SuitabilityFault.NOISE


def test_inverted_head_is_refused() -> None:
    inverted = 255 - prepare(head_ct(1, 256), PreprocessParams()).windowed[0]
    assert only_fault(prepared_picture(inverted)) is SuitabilityFault.NO_HEAD


def test_mr_is_not_held_against_what_a_head_ct_looks_like() -> None:
    prepared = prepare(head_mr(8, 128), PreprocessParams())
    faults = image_faults(prepared, 0.0, ImageLimits(), expects_head_ct=False)
    assert faults == [None] * 8


def test_embedding_far_from_all_references_is_refused() -> None:
    rng = np.random.default_rng(0)
    mean = np.zeros(6, np.float32)
    axes = np.eye(6, 2, dtype=np.float32)
    near = rng.normal([3, 3, 0, 0, 0, 0], 0.1, (20, 6)).astype(np.float32)
    unit = near / np.linalg.norm(near, axis=1, keepdims=True)
    statistics = EmbeddingStatistics(mean, axes, unit @ axes)
    limits = EmbeddingLimits(neighbour=3, maximum_distance=0.3)
    outside_the_subspace = np.array([[0, 0, 5, 0, 0, 0]], np.float32)
    within_it_but_elsewhere = np.array([[-2, 2, 0, 0, 0, 0]], np.float32)
    embedding = np.concatenate([near[:2] * 7, outside_the_subspace, within_it_but_elsewhere])
    unlike = SuitabilityFault.UNLIKE_TRAINING
    novelty = embedding_novelty(embedding, statistics, limits)
    assert embedding_faults(novelty) == [None, None, unlike, unlike]
    at_unit_length = embedding[2] / 5 - statistics.reference @ axes.T
    expected = np.sort(np.linalg.norm(at_unit_length, axis=1))[2] / 0.3
    assert novelty[2] == pytest.approx(expected, rel=1e-3)


def test_what_is_more_like_a_stranger_is_refused_however_near_it_lies() -> None:
    axes = np.eye(4, 2, dtype=np.float32)
    line = np.array([0, 4, 0, 0, 1], np.float32)  # the second feature speaks for a head
    statistics = EmbeddingStatistics(np.zeros(4, np.float32), axes, axes[:2].copy(), likeness=line)
    likeness = LikenessLimits(
        minimum_score=2.0,
        penalty=1.0,
        strangers=10,
        kinds=("film",),
        refused=0.0,
        refused_changed=0.0,
        strangers_refused=1.0,
    )
    limits = EmbeddingLimits(neighbour=1, maximum_distance=1.0, likeness=likeness)
    embedding = np.array([[1, 0, 0, 0], [0, 3, 0, 0]], np.float32)
    novelty = embedding_novelty(embedding, statistics, limits)
    assert embedding_faults(novelty) == [SuitabilityFault.UNLIKE_TRAINING, None]
    assert novelty[0] == pytest.approx(2)  # misses the limit by one


def test_a_manifest_without_a_line_reads_and_writes_as_before() -> None:
    limits = EmbeddingLimits(neighbour=1, maximum_distance=1.0)
    assert "likeness" not in limits.model_dump()
    assert EmbeddingLimits.model_validate_json(limits.model_dump_json()) == limits


def turned_by_one_trait(evidence: float) -> tuple[UprightStatistics, OrientationLimits]:
    """A machine that calls heads upright whose small picture is brighter in its lower half."""
    traits = upright_traits(np.tile(np.linspace(60, 200, 96)[:, None], 96).astype(np.uint8), BOX)
    axes = (traits[0] - traits[1])[:, np.newaxis]
    statistics = UprightStatistics(
        mean=traits.mean(axis=0),
        axes=axes / np.linalg.norm(axes) ** 2,
        support=np.array([[0.5], [-0.5]], np.float32),
        weights=np.array([1, -1], np.float32),
        terms=np.array([1, 0], np.float32),
    )
    limits = OrientationLimits(
        minimum_evidence=evidence,
        upright_refused=0,
        turned_refused=1,
        upright_series_refused=0,
        turned_series_refused=1,
    )
    return statistics, limits


BOX = np.array([0, 0, 96, 96], dtype=np.int32)


def lying(upright: int, turned: int) -> PreparedSlices:
    """So many slices that are brighter below, and so many that are brighter above."""
    below = np.tile(np.linspace(60, 200, 96)[:, None], 96).astype(np.uint8)
    shown = np.stack([below] * upright + [below[::-1]] * turned)
    count = len(shown)
    return PreparedSlices(
        np.zeros((count, 3, 8, 8), np.float32),
        np.tile(BOX, (count, 1)),
        shown,
        np.arange(count, dtype=np.int32),
    )


@pytest.mark.parametrize(
    ("upright", "turned", "found"),
    [(1, 0, False), (0, 1, True), (3, 2, False), (8, 60, True), (60, 8, False)],
)
def test_a_series_lies_as_most_of_its_slices_do(upright: int, turned: int, found: bool) -> None:
    statistics, limits = turned_by_one_trait(-0.5)
    prepared = lying(upright, turned)
    assert is_upside_down(prepared, np.arange(upright + turned), statistics, limits) is found


def test_what_one_slice_does_not_prove_many_do() -> None:
    statistics, limits = turned_by_one_trait(-1.5)
    assert not is_upside_down(lying(0, 1), np.arange(1), statistics, limits)
    assert is_upside_down(lying(0, 9), np.arange(9), statistics, limits)
