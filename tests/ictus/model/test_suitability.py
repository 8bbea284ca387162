import cv2
import numpy as np
import pytest

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.phantom import Bleed, head_ct, head_mr, photograph
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.preprocess import PreparedSlices, PreprocessParams, prepare
from ictus.model.suitability import (
    EmbeddingLimits,
    EmbeddingStatistics,
    ImageLimits,
    SuitabilityFault,
    embedding_faults,
    image_faults,
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
    assert embedding_faults(embedding, statistics, limits) == [None, None, unlike, unlike]
