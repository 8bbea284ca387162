import numpy as np

from ictus.imaging.phantom import Bleed, brain_window, head_ct, head_mr, with_bleed


def test_the_same_arguments_draw_the_same_head() -> None:
    assert np.array_equal(head_ct(3, 64, seed=4).voxels, head_ct(3, 64, seed=4).voxels)
    assert not np.array_equal(head_ct(3, 64, seed=4).voxels, head_ct(3, 64, seed=5).voxels)


def test_tissues_have_their_hounsfield_units() -> None:
    middle = head_ct(slices=9, size=256).voxels[4].astype(float)
    assert abs(middle[:20, :20].mean() + 1000) < 5  # air
    assert 25 < middle[100:130, 170:185].mean() < 35  # white matter
    assert 2 < middle[118:130, 117:121].mean() < 20  # ventricle
    assert middle.max() > 900  # skull
    assert 2 < middle[100:110, 165:175].std() < 7  # the noise of a clinical scan


def test_a_bleed_is_dense_and_changes_nothing_else() -> None:
    plain = head_ct(slices=24, size=128)
    bled = with_bleed(plain, Bleed(centre_mm=(0.0, 0.0, 40.0), radius_mm=15.0))
    changed = np.argwhere(bled.voxels != plain.voxels)
    assert {int(index) for index in changed[:, 0]} <= set(range(8, 16))
    assert changed[:, 2].min() > 64  # on the patient's left: the viewer's right
    inside = bled.voxels[12, 62:66, 84:87].astype(float)
    assert 60 < inside.mean() < 76


def test_pictures_are_windowed() -> None:
    shown = brain_window(head_ct(slices=3, size=64), 1)
    assert (shown.min(), shown.max()) == (0, 255)
    assert brain_window(head_mr(slices=3, size=64), 1).max() > 180
