import cv2
import numpy as np
import pytest

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.phantom import Bleed, head_ct, head_mr
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.preprocess import (
    BRAIN_WINDOW,
    ContrastEnhancement,
    HeadCrop,
    NoiseReduction,
    PreprocessParams,
    Window,
    head_box,
    prepare,
    project_to_slice,
    to_display,
)

GOLDEN = {
    (NoiseReduction.NONE, ContrastEnhancement.NONE): [-0.7286, 1.449, 0.2282, -0.9363],
    (NoiseReduction.NONE, ContrastEnhancement.CLAHE): [-0.5972, 1.5058, 0.7248, -0.8507],
    (NoiseReduction.NONE, ContrastEnhancement.EQUALISE): [-0.8028, 1.4797, 0.6906, -1.724],
    (NoiseReduction.GAUSSIAN, ContrastEnhancement.NONE): [-0.7283, 1.4039, 0.1254, -0.9877],
    (NoiseReduction.GAUSSIAN, ContrastEnhancement.CLAHE): [-0.6081, 1.4459, 0.6049, -0.8678],
    (NoiseReduction.GAUSSIAN, ContrastEnhancement.EQUALISE): [-0.7605, 1.4586, 0.6563, -1.6727],
    (NoiseReduction.MEDIAN, ContrastEnhancement.NONE): [-0.7229, 1.4494, 0.1597, -0.9363],
    (NoiseReduction.MEDIAN, ContrastEnhancement.CLAHE): [-0.572, 1.5138, 0.7248, -0.902],
    (NoiseReduction.MEDIAN, ContrastEnhancement.EQUALISE): [-0.8196, 1.4783, 0.5878, -1.8268],
}


def as_picture(volume: Volume, window: Window) -> Volume:
    grey = to_display(volume.voxels, volume.units, window, window)
    return Volume(grey, Modality.CT, SourceFormat.PNG, VoxelUnits.DISPLAY)


def test_a_ct_series_and_pictures_of_it_give_the_same_input() -> None:
    volume = head_ct(4, 192, Bleed())
    params = PreprocessParams()
    from_header = prepare(volume, params)
    from_pictures = prepare(as_picture(volume, BRAIN_WINDOW), params)
    np.testing.assert_array_equal(from_header.boxes, from_pictures.boxes)
    np.testing.assert_array_equal(from_header.pixels, from_pictures.pixels)


def test_pictures_of_a_wider_window_are_brought_to_the_models_window() -> None:
    volume = head_ct(4, 192, Bleed())
    wide = Window(center=40, width=120)
    params = PreprocessParams(picture_window=wide)
    from_header = prepare(volume, params).pixels
    from_pictures = prepare(as_picture(volume, wide), params).pixels
    # One grey level of the wider window is 0.47 HU, 1.5 levels of the narrower: 0.03 after normalisation.
    assert np.abs(from_header - from_pictures).max() < 0.04


def test_window_ends_are_black_and_white() -> None:
    hounsfield = np.array([[[-1000, 0, 40, 80, 3000]]], dtype=np.int16)
    grey = to_display(hounsfield, VoxelUnits.HOUNSFIELD, BRAIN_WINDOW, BRAIN_WINDOW)
    assert grey.tolist() == [[[0, 0, 128, 255, 255]]]


def test_normalised_mr_uses_the_full_range() -> None:
    grey = to_display(
        np.array([[[0, 4095]]], dtype=np.int16), VoxelUnits.NORMALISED, BRAIN_WINDOW, BRAIN_WINDOW
    )
    assert grey.tolist() == [[[0, 255]]]


def test_head_is_framed_wherever_it_lies_and_the_table_is_left_out() -> None:
    picture = np.zeros((200, 300), dtype=np.uint8)
    cv2.ellipse(picture, (90, 80), (40, 50), 0, 0, 360, 200, -1)
    picture[190:194] = 255
    top, left, bottom, right = head_box(picture, HeadCrop(margin=0))
    assert (top, bottom) == pytest.approx((30, 131), abs=6)
    assert (left, right) == pytest.approx((40, 141), abs=6)


def test_box_is_square_in_millimetres() -> None:
    picture = np.zeros((100, 200), dtype=np.uint8)
    cv2.ellipse(picture, (100, 50), (60, 30), 0, 0, 360, 200, -1)
    top, left, bottom, right = head_box(picture, HeadCrop(), aspect=2.0)
    assert (bottom - top) * 2.0 == pytest.approx(right - left, abs=2)


def test_blank_slice_has_a_box_too() -> None:
    blank = Volume(np.zeros((1, 64, 64), np.uint8), Modality.CT, SourceFormat.PNG, VoxelUnits.DISPLAY)
    prepared = prepare(blank, PreprocessParams())
    assert prepared.boxes.tolist() == [[-2, -2, 66, 66]]
    assert np.isfinite(prepared.pixels).all()


def test_heatmap_comes_back_to_where_it_was_seen() -> None:
    volume = head_ct(1, 256)
    box = prepare(volume, PreprocessParams()).boxes[0]
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[3, 3] = 1
    placed = project_to_slice(heatmap, box, 256, 256)
    row, column = np.unravel_index(placed.argmax(), placed.shape)
    assert row == pytest.approx((box[0] + box[2]) / 2, abs=2)
    assert column == pytest.approx((box[1] + box[3]) / 2, abs=2)
    outside = project_to_slice(np.ones((7, 7), np.float32), (-20, 10, 100, 130), 256, 256)
    assert outside[:100, 10:130].min() == 1
    assert outside[100:].max() == 0


def test_chosen_slices_come_in_the_order_asked_for() -> None:
    volume = head_ct(6, 128)
    whole = prepare(volume, PreprocessParams(size=64))
    some = prepare(volume, PreprocessParams(size=64), indices=[4, 1])
    assert some.indices.tolist() == [4, 1]
    np.testing.assert_array_equal(some.pixels, whole.pixels[[4, 1]])


def test_three_windows_become_three_channels() -> None:
    volume = head_ct(1, 128)
    windows = (BRAIN_WINDOW, Window(center=80, width=200), Window(center=600, width=2800))
    together = prepare(volume, PreprocessParams(windows=windows, size=64, crop=None)).pixels
    for channel, window in enumerate(windows):
        alone = prepare(volume, PreprocessParams(windows=(window,), size=64, crop=None)).pixels
        np.testing.assert_array_equal(together[:, channel], alone[:, channel])


@pytest.mark.parametrize("noise", NoiseReduction)
@pytest.mark.parametrize("contrast", ContrastEnhancement)
def test_golden_input(noise: NoiseReduction, contrast: ContrastEnhancement) -> None:
    """The numbers that training and serving agreed on; a change here makes every trained model worthless."""
    params = PreprocessParams(size=96, noise_reduction=noise, contrast=contrast)
    pixels = prepare(head_ct(3, 160, Bleed()), params).pixels[1, 0]
    seen = [pixels.mean(), pixels.std(), pixels[48, 48], pixels[30, 40]]
    np.testing.assert_allclose(seen, GOLDEN[noise, contrast], rtol=1e-3, atol=1e-3)


def test_mr_is_prepared_too() -> None:
    prepared = prepare(head_mr(3, 128), PreprocessParams())
    assert prepared.pixels.shape == (3, 3, 224, 224)
    assert prepared.windowed.dtype == np.uint8
