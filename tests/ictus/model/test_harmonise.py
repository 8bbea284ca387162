import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.harmonise import Harmonise, harmonised_channels, head_frame, outline
from ictus.model.intracranial import Intracranial
from ictus.model.preprocess import PreprocessParams, prepare, project_to_slice

SIDE = 224
PARAMS = Harmonise()
LESION = (80, 104)
"""Row and column in a drawn slice, left of its middle."""


def drawn(lesion: bool = False, seed: int = 1, size: int = 288) -> np.ndarray:
    """A diffusion-weighted slice: an upright head with dark ventricles and a grain of its own."""
    middle = size // 2
    picture = np.zeros((size, size), np.float32)
    cv2.ellipse(picture, (middle, middle), (int(size * 0.34), int(size * 0.42)), 0, 0, 360, 110, cv2.FILLED)
    for side in (-1, 1):
        cv2.ellipse(picture, (middle + side * 18, middle), (9, 34), side * 8, 0, 360, 45, cv2.FILLED)
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, picture.shape), (0, 0), 2.5)
    picture += np.where(picture > 0, grain, 0)
    if lesion:
        cv2.circle(picture, (LESION[1], LESION[0] + 40), 11, 205, cv2.FILLED)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0), 0, 255).astype(np.uint8)


def exported(picture: np.ndarray, gain: float, blur: float) -> np.ndarray:
    shown = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), blur) * gain
    return np.asarray(np.clip(shown, 0, 255), dtype=np.uint8)


def cut(picture: np.ndarray) -> np.ndarray:
    top, left, bottom, right = head_frame(picture)
    return np.asarray(cv2.resize(picture[top:bottom, left:right], (SIDE, SIDE)), dtype=np.uint8)


def detail(picture: np.ndarray) -> float:
    inside = outline(len(picture), PARAMS)
    pixels = picture.astype(np.float32)
    return float(np.log((pixels - cv2.GaussianBlur(pixels, (0, 0), 3.0))[inside].std()))


def test_a_dark_export_has_the_same_frame() -> None:
    whole, dark = head_frame(drawn()), head_frame(exported(drawn(), 0.35, 0.6))
    assert np.abs(np.subtract(whole, dark)).max() <= 4
    top, left, bottom, right = whole
    assert bottom - top > right - left > 150
    assert head_frame(np.zeros((50, 60), np.uint8)) == (0, 0, 50, 60)


def test_exports_differ_less_than_the_draw_that_drowns_the_rest() -> None:
    still = PARAMS.model_copy(update={"jitter": 0.0})
    pictures = [drawn(seed=seed) for seed in range(4)]
    plain = [cut(picture) for picture in pictures]
    other = [cut(exported(picture, 0.45, 1.6)) for picture in pictures]

    def apart(params: Harmonise) -> float:
        one, two = (
            [detail(harmonised_channels(grey, params)[0]) for grey in greys] for greys in (plain, other)
        )
        return abs(float(np.mean(one) - np.mean(two)))

    raw = abs(float(np.mean([detail(g) for g in plain]) - np.mean([detail(g) for g in other])))
    assert raw > 0.5
    assert apart(still) < 0.1 * raw
    inside = outline(SIDE, PARAMS)
    medians = [
        [float(np.median(c[inside])) for c in harmonised_channels(g, still)] for g in (plain[0], other[0])
    ]
    assert np.abs(np.array(medians[0]) - np.array(medians[1])).max() < 2


def test_nothing_is_shown_outside_the_outline() -> None:
    for channel in harmonised_channels(cut(drawn()), PARAMS):
        assert not channel[~outline(SIDE, PARAMS)].any()
        assert channel[outline(SIDE, PARAMS)].min() > 0


def test_a_lesion_stays_among_the_brightest_and_weighs_against_its_mirror() -> None:
    picture = drawn(lesion=True)
    top, left, bottom, right = head_frame(picture)
    row = round((LESION[0] + 40 - top) / (bottom - top) * SIDE)
    column = round((LESION[1] - left) / (right - left) * SIDE)
    whole, halves, outstanding = harmonised_channels(cut(picture), PARAMS)
    inside = outline(SIDE, PARAMS)

    def around(channel: np.ndarray, at: int) -> float:
        return float(channel[row - 4 : row + 5, at - 4 : at + 5].mean())

    for channel in (whole, halves, outstanding):
        assert around(channel, column) > np.percentile(channel[inside], 95)
    assert around(halves, SIDE - 1 - column) < np.percentile(halves[inside], 10)


def test_the_same_slice_gives_the_same_input_and_another_another_texture() -> None:
    first, again, other = (harmonised_channels(cut(drawn(seed=seed)), PARAMS)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_map_lands_on_the_head_whose_frame_is_no_square() -> None:
    voxels = drawn()[np.newaxis]
    volume = Volume(voxels, Modality.MR, SourceFormat.PNG, VoxelUnits.DISPLAY)
    prepared = prepare(volume, PreprocessParams(harmonise=PARAMS))
    assert prepared.pixels.shape == (1, 3, 224, 224)
    assert not np.array_equal(prepared.pixels[0, 0], prepared.pixels[0, 1])
    placed = project_to_slice(np.ones((7, 7), np.float32), prepared.boxes[0], *voxels.shape[1:])
    top, left, bottom, right = prepared.boxes[0]
    assert placed[top:bottom, left:right].min() == 1
    assert placed.sum() == (bottom - top) * (right - left)


def test_parameters_without_the_block_are_written_as_before_it_existed() -> None:
    assert "harmonise" not in PreprocessParams().model_dump_json()
    params = PreprocessParams(harmonise=PARAMS)
    assert PreprocessParams.model_validate_json(params.model_dump_json()) == params


def test_block_goes_with_one_window_and_no_other_block() -> None:
    with pytest.raises(ValidationError, match="harmonised channels"):
        PreprocessParams(harmonise=PARAMS, intracranial=Intracranial())
