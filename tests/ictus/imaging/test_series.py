"""Ordering, splitting, mixing: what becomes of many DICOM files in one upload."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from ictus.domain.enums import Modality
from ictus.domain.errors import (
    MixedStudiesError,
    NoPixelDataError,
    NoUsableSeriesError,
    TooLargeError,
    TruncatedFileError,
    UnsupportedDimensionsError,
)
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.phantom import Person, head_ct, head_mr, picture, write_dicom_series
from ictus.imaging.volume import VoxelUnits

CT = head_ct(slices=6, size=48)


def change(path: Path, **attributes: object) -> Path:
    """Set attributes of a DICOM file."""
    dataset = dcmread(path)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def test_hounsfield_units_arrive_exactly(read, volume_of, tmp_path) -> None:
    outcome = read(*write_dicom_series(CT, tmp_path / "in"))

    (series,) = outcome.series
    volume = volume_of(series)
    assert np.array_equal(volume.voxels, CT.voxels)
    assert (series.modality, series.units, series.body_part) == (Modality.CT, VoxelUnits.HOUNSFIELD, "HEAD")
    assert series.spacing_mm == pytest.approx((5.0, 5.0, 5.0))
    assert series.description == "CT HEAD axial 5 mm"
    assert (series.shape, len(series.source_paths), series.warnings) == ((6, 48, 48), 6, ())


def test_slices_are_ordered_by_position_not_by_name_or_number(read, volume_of, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    for number, path in enumerate(reversed(paths)):
        change(path, InstanceNumber=number)
    paths = [paths[index] for index in (3, 0, 5, 1, 4, 2)]

    outcome = read(*paths)

    assert np.array_equal(volume_of(outcome.series[0]).voxels, CT.voxels)
    places = [dcmread(path).ImagePositionPatient[2] for path in outcome.series[0].source_paths]
    assert places == sorted(places)


def test_a_zip_is_read_like_a_folder(read, volume_of, tmp_path) -> None:
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("read me.txt", "a viewer comes with this disc")
        for path in write_dicom_series(CT, tmp_path / "in"):
            target.write(path, f"DICOM/{path.name}")

    outcome = read(archive)

    assert np.array_equal(volume_of(outcome.series[0]).voxels, CT.voxels)
    assert [(note.name_index, note.member, note.code) for note in outcome.left_out] == [
        (0, 0, "unrecognised_file")
    ]


def test_several_series_become_several_series_of_one_study(read, tmp_path) -> None:
    mr = head_mr(slices=4, size=32)
    outcome = read(
        *write_dicom_series(mr, tmp_path / "b", series_number=2),
        *write_dicom_series(CT, tmp_path / "a", series_number=1),
    )

    assert [(series.modality, series.shape[0]) for series in outcome.series] == [
        (Modality.CT, 6),
        (Modality.MR, 4),
    ]
    assert len({series.series_uid for series in outcome.series}) == 2


def test_a_localizer_is_left_out_with_a_note(read, tmp_path) -> None:
    scout = write_dicom_series(head_ct(slices=1, size=32), tmp_path / "scout", series_number=9)[0]
    change(scout, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])

    outcome = read(scout, *write_dicom_series(CT, tmp_path / "in"))

    assert len(outcome.series) == 1
    assert [(note.name_index, note.code) for note in outcome.left_out] == [(0, "localizer")]
    with pytest.raises(NoUsableSeriesError):
        read(scout)


def test_studies_of_two_patients_are_refused(read, tmp_path) -> None:
    with pytest.raises(MixedStudiesError):
        read(
            *write_dicom_series(CT, tmp_path / "a"),
            *write_dicom_series(CT, tmp_path / "b", Person(name="Other^Head", patient_id="PHANTOM-0002")),
        )


def test_a_truncated_slice_refuses_the_upload(read, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    paths[3].write_bytes(paths[3].read_bytes()[:-200])
    with pytest.raises(TruncatedFileError):
        read(*paths)


def test_a_slice_sent_twice_counts_once(read, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    shutil.copy(paths[0], tmp_path / "again.dcm")

    outcome = read(*paths, tmp_path / "again.dcm")

    assert outcome.series[0].shape[0] == 6
    assert [note.code for note in outcome.left_out] == ["duplicate"]


def test_a_missing_slice_is_said(read, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    assert read(*paths[:2], *paths[3:]).series[0].warnings == ("uneven_spacing",)


def test_slices_of_another_size_become_a_series_of_their_own(read, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "a")
    series_uid = dcmread(paths[0]).SeriesInstanceUID
    other = write_dicom_series(head_ct(slices=2, size=32), tmp_path / "b", series_number=7)
    for path in other:
        change(path, SeriesInstanceUID=series_uid)

    assert sorted(series.shape for series in read(*paths, *other).series) == [(2, 32, 32), (6, 48, 48)]


def test_echoes_at_the_same_places_are_parted(read, volume_of, tmp_path) -> None:
    mr = head_mr(slices=4, size=32)
    first, second = (write_dicom_series(mr, tmp_path / name) for name in "ab")
    for path in first:
        change(path, EchoTime=10)
    for path in second:
        change(path, EchoTime=90, SOPInstanceUID=generate_uid())

    outcome = read(*first, *second)

    assert [series.shape for series in outcome.series] == [(4, 32, 32), (4, 32, 32)]
    assert all(series.warnings == () for series in outcome.series)


def test_a_time_course_is_refused(read, tmp_path) -> None:
    small = head_ct(slices=2, size=16)
    paths = []
    for time in range(12):
        for path in write_dicom_series(small, tmp_path / str(time)):
            paths.append(change(path, AcquisitionNumber=time, SOPInstanceUID=generate_uid()))
    with pytest.raises(UnsupportedDimensionsError):
        read(*paths)


def test_planes_are_turned_as_radiologists_read(read, volume_of, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    for path in paths:
        dataset = dcmread(path)
        mirrored = dataset.pixel_array[::-1, ::-1]  # as if rows ran to the right and columns to the front
        dataset.PixelData = mirrored.tobytes()
        dataset.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
        dataset.save_as(path)

    assert np.array_equal(volume_of(read(*paths).series[0]).voxels, CT.voxels)


def test_sagittal_slices_stay_sagittal_with_the_head_up(read, volume_of, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    for index, path in enumerate(paths):
        change(path, ImageOrientationPatient=[0, 1, 0, 0, 0, 1], ImagePositionPatient=[index * 5, 0, 0])

    (series,) = read(*paths).series

    assert "sagittal" in series.description
    assert np.array_equal(volume_of(series).voxels, CT.voxels[:, ::-1])


def test_without_positions_the_numbering_orders_and_a_warning_says_so(read, volume_of, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    for path in paths:
        dataset = dcmread(path)
        del dataset.ImagePositionPatient
        dataset.save_as(path)

    (series,) = read(*reversed(paths)).series

    assert np.array_equal(volume_of(series).voxels, CT.voxels)
    assert series.warnings == ("unordered",)


def test_reports_beside_a_series_are_left_out_and_alone_refused(read, tmp_path) -> None:
    report = change(
        write_dicom_series(head_ct(slices=1, size=16), tmp_path / "sr", series_number=5)[0],
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
        Modality="SR",
    )
    outcome = read(report, *write_dicom_series(CT, tmp_path / "in"))
    assert [note.code for note in outcome.left_out] == ["no_pixel_data"]
    with pytest.raises(NoPixelDataError):
        read(report)


def test_a_uid_key_gives_stable_new_uids(read, tmp_path, workdir) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    first = read(*paths)
    shutil.rmtree(workdir)
    workdir.mkdir()
    second = read(*paths)
    assert first.study_uid == second.study_uid
    assert first.study_uid.startswith("2.25.")
    assert first.series[0].series_uid == second.series[0].series_uid
    assert first.series[0].volume_sha256 == second.series[0].volume_sha256


def test_a_picture_of_another_kind_in_a_series_is_parted_from_it(read, volume_of, tmp_path) -> None:
    paths = write_dicom_series(CT, tmp_path / "in")
    change(paths[2], PhotometricInterpretation="MONOCHROME1")
    outcome = read(*paths)
    assert sorted(series.shape[0] for series in outcome.series) == [1, 5]
    assert "uneven_spacing" in next(series for series in outcome.series if series.shape[0] == 5).warnings


def test_more_series_than_allowed_are_refused(read, tmp_path) -> None:
    small = head_ct(slices=1, size=16)
    paths = [write_dicom_series(small, tmp_path / "in", series_number=number)[0] for number in range(3)]
    with pytest.raises(TooLargeError):
        read(*paths, limits=IntakeLimits(max_series=2))
    with pytest.raises(TooLargeError):
        read(*paths, limits=IntakeLimits(max_pixels=100))


def test_pictures_beside_dicom_are_left_out(read, tmp_path) -> None:
    (tmp_path / "logo").write_bytes(picture(CT, 2))
    outcome = read(tmp_path / "logo", *write_dicom_series(CT, tmp_path / "in"))
    assert [(note.name_index, note.code) for note in outcome.left_out] == [(0, "other_format")]
