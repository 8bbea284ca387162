import numpy as np
import pytest

from ictus.imaging.phantom import brain_window, head_ct
from ictus.model.preprocess import PreprocessParams, prepare
from trainer.data import Dataset, read_picture
from trainer.recipe import Recipe
from trainer.training.augment import Augmentation, draw_change, generator, move, show_otherwise
from trainer.training.painting import paint_bleed
from trainer.training.params import TrainingParams
from trainer.training.views import SliceViews, view_groups

STILL = Augmentation.model_validate(
    dict.fromkeys(Augmentation.model_fields, 0)
    | {"contrast": 1, "flatness": 1, "gamma": 1, "zoom": 1, "coarsen": 1, "jpeg_quality": 100}
)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return brain_window(head_ct(3, 256), 1, width=120)


def change(seed: int = 0, **limits: float):
    return draw_change(STILL.model_copy(update=limits), np.random.default_rng(seed))


def test_nothing_drawn_changes_nothing(picture: np.ndarray) -> None:
    shown = show_otherwise(picture, change())
    np.testing.assert_array_equal(np.where(picture < 3, 0, picture), shown)
    pixels = np.random.default_rng(0).normal(size=(3, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(move(pixels, change()), pixels, atol=1e-5)


@pytest.mark.parametrize(
    "limits",
    [
        {"contrast": 2.0},
        {"level": 0.2},
        {"gamma": 2.0},
        {"device": 1.0, "blur": 3.0},
        {"device": 1.0, "sharpen": 2.0},
        {"device": 1.0, "noise": 20.0},
        {"device": 1.0, "jpeg_quality": 10},
    ],
    ids=str,
)
def test_each_device_change_changes_the_head_and_not_the_air(picture: np.ndarray, limits: dict) -> None:
    shown = show_otherwise(picture, change(1, **limits))
    assert shown.shape == picture.shape
    assert (shown != picture)[picture > 50].mean() > 0.1
    assert shown[:8, :8].max() < 16


def test_coarser_pictures_are_smaller(picture: np.ndarray) -> None:
    assert len(show_otherwise(picture, change(1, device=1.0, coarsen=4.0))) < len(picture)


@pytest.mark.parametrize(
    "limits",
    [
        {"mirror": 1.0},
        {"flip": 1.0},
        {"quarter_turns": 1.0},
        {"rotation": 20.0},
        {"zoom": 2.0},
        {"translation": 0.2},
        {"stretch": 0.2},
    ],
    ids=str,
)
def test_each_move_keeps_the_channels_together(limits: dict) -> None:
    blob = np.zeros((64, 64), np.float32)
    blob[20:30, 36:50] = 1
    pixels = np.stack([blob, 2 * blob + 5, blob])
    drawn = (move(pixels, change(seed, **limits)) for seed in range(20))
    moved = next(m for m in drawn if np.abs(m[0] - blob).max() > 0.5)
    np.testing.assert_allclose(moved[1], 2 * moved[0] + 5, atol=1e-4)
    assert moved[0].sum() > 0


def test_zoom_reaches_two_and_is_mostly_small() -> None:
    zooms = np.array([change(seed, zoom=2.0).zoom for seed in range(2000)])
    nearer = zooms[zooms > 1]
    assert 1.9 < nearer.max() <= 2
    assert 0.4 < (nearer < 1.125).mean() < 0.6


def test_views_are_drawn_from_picture_seed_and_number(phantoms: Dataset, tiny_recipe: Recipe) -> None:
    def view(seed: int, group: int) -> np.ndarray:
        views = SliceViews(phantoms, tiny_recipe.preprocess, Augmentation(), seed)
        (pixels,) = views.pixels(view_groups(phantoms, tiny_recipe.training, seed)[group], np.array([4]))
        assert pixels is not None
        return pixels

    np.testing.assert_array_equal(view(1, 1), view(1, 1))
    assert np.abs(view(1, 1) - view(1, 2)).max() > 0.1
    assert np.abs(view(1, 1) - view(2, 1)).max() > 0.1
    serving = prepare(read_picture(phantoms.slices[4].path), tiny_recipe.preprocess).pixels[0]
    np.testing.assert_array_equal(view(1, 0), serving)


def test_groups_follow_the_classes(phantoms: Dataset) -> None:
    params = TrainingParams(positive_views=2, negative_views=1, painted_views=1, painted_slices=5)
    plain, first, second, painted = view_groups(phantoms, params, 0)
    assert len(plain.rows) == len(first.rows) == len(phantoms.slices)
    assert phantoms.labels[second.rows].all()
    assert len(second.rows) == phantoms.labels.sum()
    assert len(painted.rows) == 5
    assert not phantoms.labels[painted.rows].any()


def test_painted_bleeds_are_bright_and_inside_the_skull(picture: np.ndarray) -> None:
    changed = 0
    for seed in range(12):
        painted = paint_bleed(picture, PreprocessParams(), generator(0, str(seed), "bleed"))
        assert painted is not None
        added = painted.astype(int) - picture
        changed += int((added > 8).sum() > 20)
        assert not added[picture < 3].any()
        assert not added[picture >= 235].any()
    assert changed >= 10


def test_no_bleed_is_painted_where_there_is_no_skull() -> None:
    ball = np.zeros((128, 128), np.uint8)
    ball[30:100, 30:100] = 100
    assert paint_bleed(ball, PreprocessParams(), np.random.default_rng(0)) is None
