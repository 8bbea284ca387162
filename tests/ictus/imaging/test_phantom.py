import numpy as np

from ictus.imaging.phantom import Bleed, brain_window, head_ct, head_mr, with_bleed


def test_the_same_arguments_draw_the_same_head() -> None:
    assert np.array_equal(head_ct(3, 64, seed=4).voxels, head_ct(3, 64, seed=4).voxels)
    assert not np.array_equal(head_ct(3, 64, seed=4).voxels, head_ct(3, 64, seed=5).voxels)


def test_tissues_have_their_hounsfield_units() -> None:
    middle = head_ct(slices=25, size=256).voxels[15].astype(float)
    assert abs(middle[:20, :20].mean() + 1000) < 5  # air
    assert 25 < middle[100:104, 150:162].mean() < 50  # brain
    assert middle.max() > 900  # skull
    brain = middle[60:190, 80:170]
    assert 25 < np.percentile(brain, 25) < np.percentile(brain, 75) < 48  # white and grey matter
    assert np.percentile(brain, 2) < 15  # fluid of the ventricles and sulci
    step = np.diff(middle[150:165, 150:165])
    assert 2 < step.std() < 7  # the noise of a clinical scan


def test_a_clot_is_dense_and_pushes_only_what_is_around_it() -> None:
    plain = head_ct(slices=24, size=128)
    bled = with_bleed(plain, Bleed(centre_mm=(0.0, 0.0, 40.0), radius_mm=15.0, subdural_mm=0.0))
    changed = np.argwhere(np.abs(bled.voxels - plain.voxels) > 5)
    assert {int(index) for index in changed[:, 0]} <= set(range(7, 17))
    assert np.median(changed[:, 2]) > 64  # on the patient's left: the viewer's right
    rows, columns = np.nonzero((bled.voxels[12] > 58) & (plain.voxels[12] < 58))
    assert abs(columns.mean() - 84) < 5
    inside = bled.voxels[12][round(rows.mean()) - 2 :, round(columns.mean()) - 2 :][:4, :4].astype(float)
    assert 60 < inside.mean() < 76


def test_a_subdural_haemorrhage_lies_below_the_skull_on_its_side() -> None:
    plain = head_ct(slices=3, size=128)
    bled = with_bleed(plain, Bleed(centre_mm=(0.0, 0.0, 30.0), radius_mm=1.0, subdural_mm=12.0))
    fresh = (bled.voxels[1] > 55) & (bled.voxels[1] < 85) & (plain.voxels[1] < 50)
    assert fresh[:, 64:].sum() > 10 * fresh[:, :64].sum()
    assert np.nonzero(fresh)[1].mean() > 80


def test_pictures_are_windowed() -> None:
    shown = brain_window(head_ct(slices=3, size=64), 1)
    assert (shown.min(), shown.max()) == (0, 255)
    assert brain_window(head_mr(slices=3, size=64), 1).max() > 180
