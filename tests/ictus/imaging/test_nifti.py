import gzip

import nibabel
import numpy as np
import pytest

from ictus.domain.enums import Modality
from ictus.domain.errors import (
    InvalidValuesError,
    MalformedFileError,
    TooLargeError,
    TruncatedFileError,
    UnsupportedDimensionsError,
    UnsupportedSyntaxError,
)
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.phantom import head_ct, head_mr, write_nifti
from ictus.imaging.volume import VoxelUnits

CT = head_ct(slices=6, size=40)


def save(data: np.ndarray, path, affine=None, kind=nibabel.Nifti1Image):
    nibabel.save(kind(data, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_ct_arrives_in_hounsfield_units_and_axial(read, volume_of, tmp_path, name: str) -> None:
    (series,) = read(write_nifti(CT, tmp_path / name)).series

    assert np.array_equal(volume_of(series).voxels, CT.voxels)
    assert series.spacing_mm == pytest.approx(CT.spacing_mm)
    assert (series.modality, series.modality_stated, series.units) == (
        Modality.CT,
        False,
        VoxelUnits.HOUNSFIELD,
    )


@pytest.mark.parametrize("axes", ["RAS", "LPS", "RPI", "PSR", "SAL", "IRP"])
def test_every_storage_orientation_gives_the_same_volume(read, volume_of, tmp_path, axes: str) -> None:
    plain = nibabel.load(write_nifti(CT, tmp_path / "plain.nii"))
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(plain.affine), nibabel.orientations.axcodes2ornt(axes)
    )
    nibabel.save(plain.as_reoriented(turn), tmp_path / "turned.nii")

    (series,) = read(tmp_path / "turned.nii").series

    assert np.array_equal(volume_of(series).voxels, CT.voxels)
    assert series.spacing_mm == pytest.approx(CT.spacing_mm)


def test_nifti2_big_endian_and_scaling(read, volume_of, tmp_path) -> None:
    image = nibabel.Nifti2Image(CT.voxels.transpose(2, 1, 0), np.diag([-1, -1, 1, 1]))
    swapped = nibabel.Nifti2Image(image.dataobj, image.affine, image.header.as_byteswapped(">"))
    swapped.header.set_slope_inter(1.5, -10)
    nibabel.save(swapped, tmp_path / "a.nii")
    (series,) = read(tmp_path / "a.nii").series
    expected = nibabel.load(tmp_path / "a.nii").get_fdata().transpose(2, 1, 0)
    assert np.abs(volume_of(series).voxels - expected).max() <= 0.5


def test_the_stated_modality_wins_and_mr_is_normalised(read, volume_of, tmp_path) -> None:
    path = write_nifti(head_mr(slices=4, size=40), tmp_path / "a.nii")
    (series,) = read(path, modality=Modality.MR).series
    voxels = volume_of(series).voxels
    assert (series.modality, series.modality_stated, series.units) == (
        Modality.MR,
        True,
        VoxelUnits.NORMALISED,
    )
    assert (voxels.min(), voxels.max()) == (0, 4095)


def test_a_ct_that_is_not_in_hounsfield_units_is_said(read, tmp_path) -> None:
    path = write_nifti(head_mr(slices=4, size=40), tmp_path / "a.nii")
    (series,) = read(path, modality=Modality.CT).series
    assert (series.units, series.warnings) == (VoxelUnits.DISPLAY, ("not_hounsfield",))


def test_a_trailing_single_time_is_a_volume_and_more_are_not(read, tmp_path) -> None:
    data = CT.voxels.transpose(2, 1, 0)[..., np.newaxis]
    assert read(save(data, tmp_path / "one.nii")).series[0].shape == (6, 40, 40)
    with pytest.raises(UnsupportedDimensionsError):
        read(save(np.repeat(data, 3, axis=3), tmp_path / "three.nii"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(read, tmp_path, bad: float) -> None:
    data = np.random.default_rng(0).normal(size=(8, 8, 4)).astype(np.float32)
    data[3, 3, 2] = bad
    with pytest.raises(InvalidValuesError):
        read(save(data, tmp_path / "a.nii"))


def test_colour_and_complex_voxels_are_refused(read, tmp_path) -> None:
    with pytest.raises(UnsupportedSyntaxError):
        read(save(np.ones((4, 4, 4), np.complex64), tmp_path / "a.nii"))


def test_a_cut_file_is_truncated(read, tmp_path) -> None:
    for name in ("a.nii", "b.nii.gz"):
        path = write_nifti(CT, tmp_path / name)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(TruncatedFileError):
            read(path)


def test_a_bomb_is_refused_by_its_header(read, tmp_path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((8000, 8000, 500))
    header["vox_offset"] = 352
    with gzip.open(tmp_path / "a.nii.gz", "wb") as target:
        target.write(header.binaryblock + bytes(4 + 10_000_000))
    with pytest.raises(TooLargeError):
        read(tmp_path / "a.nii.gz", limits=IntakeLimits(max_slices=10_000))


def test_damaged_geometry_is_refused(read, tmp_path) -> None:
    path = write_nifti(CT, tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[280:328] = bytes(48)  # srow_x, srow_y, srow_z
    path.write_bytes(data)
    with pytest.raises(MalformedFileError):
        read(path)


def test_metres_become_millimetres(read, tmp_path) -> None:
    image = nibabel.Nifti1Image(CT.voxels.transpose(2, 1, 0), np.diag([-0.001, -0.002, 0.005, 1]))
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "a.nii")
    assert read(tmp_path / "a.nii").series[0].spacing_mm == pytest.approx((5.0, 2.0, 1.0))


def test_without_an_orientation_a_warning_says_so(read, tmp_path) -> None:
    path = write_nifti(CT, tmp_path / "a.nii")
    data = bytearray(path.read_bytes())
    data[252:256] = bytes(4)  # qform_code, sform_code
    path.write_bytes(data)
    assert read(path).series[0].warnings == ("unknown_orientation",)


def test_the_kept_copy_holds_voxels_and_geometry_only(read, tmp_path) -> None:
    image = nibabel.load(write_nifti(CT, tmp_path / "plain.nii"))
    image = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = b"Canary^Carla"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"Canary^Carla"))
    nibabel.save(image, tmp_path / "a.nii")
    (tmp_path / "a.nii").write_bytes((tmp_path / "a.nii").read_bytes() + b"Canary^Carla")

    (series,) = read(tmp_path / "a.nii").series

    (kept,) = series.source_paths
    assert b"Canary" not in kept.read_bytes()
    assert b"Canary" not in series.volume_path.read_bytes()
    copy = nibabel.load(kept)
    assert np.array_equal(np.asarray(copy.dataobj), np.asarray(image.dataobj))
    assert np.allclose(copy.affine, image.affine)
