"""The same head in every encoding: decoded values, not just shapes."""

import io
from pathlib import Path

import data_store
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from ictus.domain.enums import Modality
from ictus.domain.errors import InvalidValuesError, TooLargeError, TruncatedFileError, UnsupportedSyntaxError
from ictus.imaging.phantom import brain_window, dicom_series, head_ct, head_mr
from ictus.imaging.volume import VoxelUnits

CT = head_ct(slices=2, size=64)
GOLDEN = Path(__file__).parent / "golden"
PYDICOM_DATA = Path(data_store.__file__).parent / "data"


def instance() -> Dataset:
    return next(iter(dicom_series(CT)))


def save(dataset: Dataset, path: Path) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


def voxels(read, volume_of, path: Path) -> np.ndarray:
    return volume_of(read(path).series[0]).voxels


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_native_little_endian_values_are_exact(read, volume_of, tmp_path, syntax) -> None:
    dataset = instance()
    dataset.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(voxels(read, volume_of, save(dataset, tmp_path / "a")), CT.voxels[:1])


def test_big_endian_values_are_exact(read, volume_of, tmp_path) -> None:
    dataset = instance()
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert np.array_equal(voxels(read, volume_of, save(dataset, tmp_path / "a")), CT.voxels[:1])


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression_is_exact(read, volume_of, tmp_path, syntax) -> None:
    dataset = instance()
    dataset.compress(syntax, generate_instance_uid=False)
    path = save(dataset, tmp_path / "a")

    assert np.array_equal(voxels(read, volume_of, path), CT.voxels[:1])


@pytest.mark.parametrize(
    ("syntax", "options", "tolerance"),
    [(JPEGLSNearLossless, {"jls_error": 2}, 2), (JPEG2000, {"j2k_psnr": [80]}, 6)],
)
def test_lossy_compression_stays_within_its_error(
    read, volume_of, tmp_path, syntax: UID, options, tolerance: int
) -> None:
    dataset = instance()
    dataset.compress(syntax, generate_instance_uid=False, **options)
    decoded = voxels(read, volume_of, save(dataset, tmp_path / "a")).astype(int)
    assert np.abs(decoded - CT.voxels[:1]).max() <= tolerance


def test_jpeg_baseline_is_decoded(read, volume_of, tmp_path) -> None:
    grey = brain_window(CT, 0)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "JPEG", quality=98)
    dataset = instance()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.WindowCenter, dataset.WindowWidth
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit

    outcome = read(save(dataset, tmp_path / "a"))

    decoded = volume_of(outcome.series[0]).voxels[0]
    assert np.abs(decoded.astype(int) - grey).mean() < 2
    assert outcome.series[0].units is VoxelUnits.DISPLAY
    assert outcome.hold_reasons == ("secondary_capture",)


@pytest.mark.parametrize(
    ("name", "syntax", "tolerance"),
    [
        ("jpeg-lossless", JPEGLosslessSV1, 0),
        ("jpeg-lossless", JPEGLossless, 0),
        ("jpeg-extended", JPEGExtended12Bit, 60),
        ("htj2k", HTJ2KLossless, 0),
        ("htj2k", HTJ2K, 0),
    ],
)
def test_streams_of_other_encoders_are_decoded(
    read, volume_of, tmp_path, name: str, syntax: UID, tolerance: int
) -> None:
    """No codec installed here writes these; libjpeg-turbo 3 and OpenJPH (imagecodecs 2026.3.6) did."""
    stored = np.load(GOLDEN / "pixels.npy").astype(int)
    dataset = instance()
    dataset.PixelData = encapsulate([(GOLDEN / f"{name}.bin").read_bytes()])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax

    outcome = read(save(dataset, tmp_path / "a"))

    assert np.abs(volume_of(outcome.series[0]).voxels[0] - (stored - 1024)).max() <= tolerance
    kept = dcmread(outcome.series[0].source_paths[0])
    assert np.abs(kept.pixel_array.astype(int) - stored).max() <= tolerance


def test_without_preamble_and_meta_the_encoding_is_found(read, volume_of, tmp_path) -> None:
    for little in (True, False):
        dataset = instance()
        if not little:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
        del dataset.file_meta
        dataset.save_as(tmp_path / "bare", implicit_vr=False, little_endian=little)
        assert (tmp_path / "bare").read_bytes()[128:132] != b"DICM"
        assert np.array_equal(voxels(read, volume_of, tmp_path / "bare"), CT.voxels[:1])


def test_signed_values_and_padding(read, volume_of, tmp_path) -> None:
    dataset = instance()
    stored = CT.voxels[0].copy()
    stored[:4] = -2000
    dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 16, 15
    dataset.RescaleIntercept = 0
    dataset.PixelData = stored.tobytes()
    dataset.add_new("PixelPaddingValue", "SS", -2000)

    decoded = voxels(read, volume_of, save(dataset, tmp_path / "a"))[0]

    assert (decoded[:4] == -1024).all()
    assert np.array_equal(decoded[4:], CT.voxels[0, 4:])


def test_padding_given_in_the_other_signedness_is_understood(read, volume_of, tmp_path) -> None:
    dataset = instance()
    stored = CT.voxels[0].copy()
    stored[:4] = -2000
    dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 16, 15
    dataset.RescaleIntercept = 0
    dataset.PixelData = stored.tobytes()
    dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert (voxels(read, volume_of, save(dataset, tmp_path / "a"))[0, :4] == -1024).all()


def test_monochrome1_inverts_what_is_shown_but_not_hounsfield_units(read, volume_of, tmp_path) -> None:
    ct = instance()
    ct.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(voxels(read, volume_of, save(ct, tmp_path / "ct")), CT.voxels[:1])

    mr = next(iter(dicom_series(head_mr(slices=1, size=64))))
    plain = voxels(read, volume_of, save(mr, tmp_path / "plain"))
    mr.PhotometricInterpretation = "MONOCHROME1"
    assert np.array_equal(voxels(read, volume_of, save(mr, tmp_path / "mr")), 4095 - plain)


def test_a_ct_stored_as_a_negative_is_turned_back(read, volume_of, tmp_path) -> None:
    ct = instance()
    stored = np.frombuffer(ct.PixelData, "<u2")
    ct.PixelData = (4095 - stored).astype("<u2").tobytes()
    ct.PhotometricInterpretation = "MONOCHROME1"

    (series,) = read(save(ct, tmp_path / "ct")).series

    assert np.array_equal(volume_of(series).voxels, CT.voxels[:1])
    assert series.warnings == ("stored_inverse",)


def test_enhanced_multiframe_honours_its_functional_groups(read, volume_of, tmp_path) -> None:
    dataset = instance()
    dataset.SOPClassUID = EnhancedCTImageStorage
    planes = [CT.voxels[1], CT.voxels[0]]
    intercepts = [-1024, -1000]  # each frame has its own
    dataset.PixelData = b"".join(
        (plane.astype(int) - shift).clip(0, 4095).astype("<u2").tobytes()
        for plane, shift in zip(planes, intercepts, strict=True)
    )
    dataset.NumberOfFrames = 2
    for keyword in ("ImagePositionPatient", "RescaleSlope", "RescaleIntercept", "RescaleType"):
        delattr(dataset, keyword)
    groups = []
    for height, intercept in zip((5.0, 0.0), intercepts, strict=True):
        place, scale, group = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, height]
        scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = 1, intercept, "HU"
        group.PlanePositionSequence = Sequence([place])
        group.PixelValueTransformationSequence = Sequence([scale])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)

    (series,) = read(save(dataset, tmp_path / "a")).series

    assert np.array_equal(volume_of(series).voxels, [CT.voxels[0].clip(-1000), CT.voxels[1]])
    assert (series.units, series.spacing_mm[0], len(series.source_paths)) == (VoxelUnits.HOUNSFIELD, 5.0, 1)


def test_colour_and_palette_become_grey(read, volume_of, tmp_path) -> None:
    outcome = read(PYDICOM_DATA / "SC_rgb.dcm")
    volume = volume_of(outcome.series[0])
    pure = dcmread(PYDICOM_DATA / "SC_rgb.dcm").pixel_array
    expected = pure.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(volume.voxels[0] - expected).max() <= 1
    assert volume.colourfulness > 0.3
    assert volume.modality is Modality.OTHER
    assert len(np.unique(voxels(read, volume_of, PYDICOM_DATA / "OBXXXX1A.dcm"))) > 20


def test_a_syntax_that_nothing_decodes_is_refused(read, tmp_path) -> None:
    dataset = instance()
    dataset.PixelData = encapsulate([b"not a video"])
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.100")
    with pytest.raises(UnsupportedSyntaxError):
        read(save(dataset, tmp_path / "a"))


def test_a_blank_slice_is_refused(read, tmp_path) -> None:
    dataset = instance()
    dataset.PixelData = bytes(len(dataset.PixelData))
    with pytest.raises(InvalidValuesError):
        read(save(dataset, tmp_path / "a"))


def test_a_deflate_bomb_is_refused_before_it_is_inflated(read, tmp_path, monkeypatch) -> None:
    dataset = instance()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.PixelData += bytes(40_000_000)
    path = save(dataset, tmp_path / "a")
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("ictus.imaging.dicom.MAX_INFLATED_BYTES", 20_000_000)
    with pytest.raises(TooLargeError):
        read(path)


def test_a_cut_deflated_file_is_truncated(read, tmp_path) -> None:
    dataset = instance()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(dataset, tmp_path / "a")
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(TruncatedFileError):
        read(path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_a_cut_compressed_file_is_truncated(read, tmp_path, syntax) -> None:
    dataset = instance()
    dataset.compress(syntax, generate_instance_uid=False)
    path = save(dataset, tmp_path / "a")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(TruncatedFileError):
        read(path)


@pytest.mark.parametrize("slope", ["nan", "inf", "0", "steep"])
def test_a_scale_that_says_nothing_is_refused(read, tmp_path, slope: str) -> None:
    dataset = instance()
    path = save(dataset, tmp_path / "a")
    data = path.read_bytes()
    at = data.index(b"\x28\x00\x53\x10DS") + 6
    end = at + 2 + int.from_bytes(data[at : at + 2], "little")
    value = slope.encode() + b" " * (len(slope) % 2)
    path.write_bytes(data[:at] + len(value).to_bytes(2, "little") + value + data[end:])
    with pytest.raises(InvalidValuesError):
        read(path)
