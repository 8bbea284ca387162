import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.intracranial import BALANCED, Intracranial, inside_of_skull, intracranial_channels
from ictus.model.preprocess import BRAIN_WINDOW, PreprocessParams, prepare

PARAMS = Intracranial()
SIDE = 224
MIDDLE = 4
"""Of nine drawn slices the one through the ventricles."""


def drawn(bleed: Bleed | None = None, turn: float = 0.0, width: float = 120.0) -> np.ndarray:
    grey = brain_window(head_ct(9, SIDE, bleed), MIDDLE, 40.0, width)
    around = cv2.getRotationMatrix2D(((SIDE - 1) / 2, (SIDE - 1) / 2), turn, 1.0)
    return np.asarray(cv2.warpAffine(grey, around, (SIDE, SIDE)), dtype=np.uint8)


def test_the_brain_is_found_and_the_skull_is_not_shown() -> None:
    grey = drawn()
    region = inside_of_skull(grey, PARAMS)
    assert region is not None
    assert 0.25 < region.mean() < 0.6
    assert not (region & (grey >= PARAMS.bone)).any()
    shown, _ = intracranial_channels(grey, PARAMS)
    assert not shown[grey >= PARAMS.bone].any()
    assert abs(float(np.median(shown[shown > 0])) - PARAMS.median_level) < 10


def test_a_gap_in_the_skull_does_not_lose_the_brain() -> None:
    grey = drawn()
    whole = inside_of_skull(grey, PARAMS)
    opened = grey.copy()
    opened[:, SIDE // 2 - 4 : SIDE // 2 + 4] = np.minimum(opened[:, SIDE // 2 - 4 : SIDE // 2 + 4], 100)
    found = inside_of_skull(opened, PARAMS)
    assert whole is not None
    assert found is not None
    assert (found & whole).sum() > 0.95 * whole.sum()


@pytest.mark.parametrize("turn", [0, 20, -15])
def test_a_bleed_stands_out_against_the_other_side(turn: float) -> None:
    healthy, bleeding = (drawn(bleed, turn) for bleed in (None, Bleed()))
    clot = bleeding.astype(int) - healthy > 30
    _, quiet = intracranial_channels(healthy, PARAMS)
    _, loud = intracranial_channels(bleeding, PARAMS)
    inside = clot & (loud != BALANCED)
    assert inside.sum() > 50
    assert np.median(loud[inside]) > BALANCED + 40
    assert abs(float(np.median(quiet[inside])) - BALANCED) < 25


def test_another_export_window_moves_the_median_to_the_same_level() -> None:
    narrow, wide = (intracranial_channels(drawn(width=width), PARAMS)[0] for width in (100.0, 160.0))
    medians = [float(np.median(shown[shown > 0])) for shown in (narrow, wide)]
    assert abs(medians[0] - medians[1]) < 10


@pytest.mark.parametrize("grey", [np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)])
def test_without_an_inside_nothing_is_shown(grey: np.ndarray) -> None:
    shown, difference = intracranial_channels(grey, PARAMS)
    assert not shown.any()
    assert (difference == BALANCED).all()


def test_network_input_carries_the_slice_and_both_channels() -> None:
    volume = head_ct(9, SIDE, Bleed())
    plain = prepare(volume, PreprocessParams(), [MIDDLE]).pixels[0]
    pixels = prepare(volume, PreprocessParams(intracranial=PARAMS), [MIDDLE]).pixels[0]
    np.testing.assert_array_equal(pixels[0], plain[0])
    assert np.abs(pixels[1] - plain[1]).max() > 1
    assert np.abs(pixels[2] - plain[2]).max() > 1


def test_three_windows_leave_no_channel_for_it() -> None:
    with pytest.raises(ValidationError, match="one window"):
        PreprocessParams(windows=(BRAIN_WINDOW,) * 3, intracranial=PARAMS)
