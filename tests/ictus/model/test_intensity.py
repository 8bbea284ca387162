"""How bright the head is, against what NumPy makes of the same pixels."""

from dataclasses import replace

import numpy as np
import pytest

from ictus.imaging.phantom import head_ct
from ictus.imaging.volume import Volume
from ictus.model.intensity import head_intensity
from ictus.model.preprocess import HeadCrop, PreprocessParams, prepare

PARAMS = PreprocessParams()


def brighter(volume: Volume, hounsfield: int) -> Volume:
    """As a scanner that is calibrated otherwise would show it."""
    inside = volume.voxels > 0
    return replace(
        volume, voxels=np.where(inside, volume.voxels + hounsfield, volume.voxels).astype(np.int16)
    )


def test_it_is_what_numpy_says_of_the_pixels_of_the_head() -> None:
    prepared = prepare(head_ct(5, 128), PARAMS)
    found = head_intensity(prepared, PARAMS)
    assert found is not None
    pixels = np.concatenate(
        [
            picture[max(0, top) : bottom, max(0, left) : right].ravel()
            for picture, (top, left, bottom, right) in zip(prepared.windowed, prepared.boxes, strict=True)
        ]
    )
    head = pixels[pixels > HeadCrop().level] / 255
    assert found.mean == pytest.approx(head.mean())
    assert found.deviation == pytest.approx(head.std())
    expected = np.percentile(head, [5, 50, 95])
    assert (found.p05, found.median, found.p95) == pytest.approx(tuple(expected), abs=0.005)


def test_a_scanner_that_shows_tissue_brighter_is_seen() -> None:
    volume = head_ct(5, 128)
    here = head_intensity(prepare(volume, PARAMS), PARAMS)
    there = head_intensity(prepare(brighter(volume, 8), PARAMS), PARAMS)
    assert here is not None
    assert there is not None
    assert there.median - here.median == pytest.approx(8 / 80, abs=0.03)  # the window is 80 HU wide


def test_the_air_around_a_head_counts_for_nothing() -> None:
    volume = head_ct(5, 128)
    wide = replace(volume, voxels=np.pad(volume.voxels, ((0, 0), (40, 40), (40, 40)), constant_values=-1000))
    here, there = (head_intensity(prepare(one, PARAMS), PARAMS) for one in (volume, wide))
    assert here is not None
    assert there is not None
    assert there.mean == pytest.approx(here.mean, abs=0.005)


def test_where_no_head_is_seen_nothing_is_said_of_it() -> None:
    volume = head_ct(2, 128)
    black = replace(volume, voxels=np.full_like(volume.voxels, -1000))
    assert head_intensity(prepare(black, PARAMS), PARAMS) is None
