import io

import cv2
import numpy as np
from PIL import Image

from inference.overlays import (
    LEVELS,
    burned_jpeg,
    heat_levels,
    outline,
    overlay_png,
    plain_jpeg,
    relative_heat,
)

ROWS, COLUMNS = 96, 128
BOX = np.array([8, 16, 88, 96], dtype=np.int32)


def hot_spot(row: int, column: int) -> np.ndarray:
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[row, column] = 3.5
    return heatmap


def test_heat_lies_where_the_crop_lies_in_the_slice() -> None:
    heat = relative_heat(hot_spot(3, 3), BOX, ROWS, COLUMNS)
    assert heat.shape == (ROWS, COLUMNS)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert abs(row - 48) <= 6  # the crop's centre
    assert abs(column - 56) <= 6
    assert heat[:8].max() == heat[:, 96:].max() == 0


def test_crop_beyond_the_slice_is_cut_at_its_edge() -> None:
    beyond = np.array([-10, -20, 120, 110], dtype=np.int32)
    assert relative_heat(hot_spot(0, 0), beyond, ROWS, COLUMNS).shape == (ROWS, COLUMNS)


def test_cold_slice_is_wholly_transparent() -> None:
    heat = relative_heat(np.zeros((7, 7), dtype=np.float32), BOX, ROWS, COLUMNS)
    alpha = np.asarray(Image.open(io.BytesIO(overlay_png(heat_levels(heat, 0.9)))).convert("RGBA"))[..., 3]
    assert alpha.max() == 0
    assert outline(heat) == []


def test_improbable_slice_is_painted_weaker_than_a_probable_one() -> None:
    heat = relative_heat(hot_spot(3, 3), BOX, ROWS, COLUMNS)
    assert heat_levels(heat, 0.1).max() < heat_levels(heat, 0.9).max() < LEVELS
    assert heat_levels(heat, 0.01).max() == 0


def test_overlay_is_a_palette_png_with_alpha_in_the_slices_geometry() -> None:
    heat = relative_heat(hot_spot(3, 3), BOX, ROWS, COLUMNS)
    picture = Image.open(io.BytesIO(overlay_png(heat_levels(heat, 1.0))))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (COLUMNS, ROWS))
    rgba = np.asarray(picture.convert("RGBA"))
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    red, _, blue, alpha = (int(value) for value in rgba[row, column])
    assert red > blue  # hot is red
    assert 150 < alpha < 200  # the slice stays visible below
    assert rgba[0, 0, 3] == 0


def test_burned_picture_keeps_the_slice_where_it_is_cold() -> None:
    windowed = np.full((ROWS, COLUMNS), 120, dtype=np.uint8)
    heat = relative_heat(hot_spot(3, 3), BOX, ROWS, COLUMNS)
    burned = cv2.imdecode(
        np.frombuffer(burned_jpeg(windowed, heat_levels(heat, 1.0), outline(heat)), np.uint8), 1
    )
    assert burned.shape == (ROWS, COLUMNS, 3)
    assert np.abs(burned[:8].astype(int) - 120).max() <= 3
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    blue, _, red = (int(value) for value in burned[row, column])
    assert red > blue + 40


def test_outline_encloses_the_hot_region_only() -> None:
    heat = relative_heat(hot_spot(3, 3), BOX, ROWS, COLUMNS)
    (contour,) = outline(heat)
    assert cv2.pointPolygonTest(contour, (56.0, 48.0), False) > 0
    assert cv2.pointPolygonTest(contour, (20.0, 12.0), False) < 0


def test_plain_picture_is_the_windowed_slice() -> None:
    windowed = np.tile(np.arange(COLUMNS, dtype=np.uint8), (ROWS, 1))
    decoded = cv2.imdecode(np.frombuffer(plain_jpeg(windowed), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.shape == (ROWS, COLUMNS)
    assert np.abs(decoded.astype(int) - windowed).max() <= 4
