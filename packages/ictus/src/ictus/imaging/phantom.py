"""Drawn heads: CT and MR phantoms as volumes, DICOM series, NIfTI and pictures.

They stand in for patients wherever real scans must not go: tests, the bundled sample, benchmarks. The
anatomy (``ictus.imaging.head``) is simple, but its Hounsfield units, geometry and noise are those of a
clinical head CT. The same arguments always draw the same head.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.head import FIELD_OF_VIEW_MM, Bleed, Plane, draw_slice
from ictus.imaging.volume import Volume, VoxelUnits

__all__ = [
    "Bleed",
    "Person",
    "brain_window",
    "dicom_series",
    "head_ct",
    "head_mr",
    "photograph",
    "picture",
    "with_bleed",
    "write_dicom_series",
    "write_nifti",
]

SLICE_SPACING_MM = 5.0
_BLUR_PIXELS = 0.9
"""Of a grid of 256 pixels."""
_NOISE_HU = 4.2
_GRAIN_PIXELS = 1.1
"""How far the noise of neighbouring pixels is alike: what a soft reconstruction kernel leaves."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the phantom pretends to be; tests put canaries here and look for them elsewhere."""

    name: str = "Phantom^Head"
    patient_id: str = "PHANTOM-0001"
    birth_date: str = "19500615"
    sex: str = "O"
    accession_number: str = "ACC-0001"
    referring_physician: str = "Referrer^Test"
    institution: str = "Phantom Hospital"
    study_date: str = "20260102"
    study_description: str = "Head without contrast"


def head_ct(slices: int = 24, size: int = 256, bleed: Bleed | None = None, seed: int = 0) -> Volume:
    """A head CT: (slices, size, size) int16 in Hounsfield units, 5 mm slices over a 240 mm field of view."""
    random = np.random.default_rng(seed)
    voxels = np.empty((slices, size, size), np.int16)
    for index, up in enumerate(_heights(slices)):
        noise = cv2.GaussianBlur(random.standard_normal((size, size), np.float32), (0, 0), _GRAIN_PIXELS)
        noise *= _NOISE_HU * 2 * np.sqrt(np.pi) * _GRAIN_PIXELS  # the blur took as much of its deviation
        voxels[index] = np.clip(np.rint(_seen(up, size, bleed) + noise), -1024, 3071)
    return Volume(
        voxels,
        Modality.CT,
        SourceFormat.DICOM,
        VoxelUnits.HOUNSFIELD,
        (SLICE_SPACING_MM, FIELD_OF_VIEW_MM / size, FIELD_OF_VIEW_MM / size),
        body_part="HEAD",
    )


def head_mr(slices: int = 24, size: int = 256, seed: int = 0) -> Volume:
    """A T1-like head MR: (slices, size, size) int16, 0..4095; fat bright, fluid dark, bone black."""
    random = np.random.default_rng(seed)
    hounsfield = [-1000, -90, 6, 16, 31, 45, 56, 750, 1150]
    signal = [0, 3400, 700, 800, 2700, 2100, 1500, 150, 100]
    voxels = np.empty((slices, size, size), np.int16)
    for index, up in enumerate(_heights(slices)):
        tissue = np.interp(draw_slice(up, size, None), hounsfield, signal).astype(np.float32)
        noise = random.standard_normal((size, size), np.float32) * 60
        voxels[index] = (cv2.GaussianBlur(tissue, (0, 0), 0.7 * size / 256) + noise).clip(0, 4095)
    spacing = (SLICE_SPACING_MM, FIELD_OF_VIEW_MM / size, FIELD_OF_VIEW_MM / size)
    return Volume(voxels, Modality.MR, SourceFormat.DICOM, VoxelUnits.NORMALISED, spacing, body_part="HEAD")


def dicom_series(
    volume: Volume, person: Person | None = None, *, series_number: int = 1, seed: int = 0
) -> Iterator[Dataset]:
    """The volume as one DICOM instance a slice, most inferior first, Explicit VR Little Endian.

    Stored values are unsigned 16 bit, 12 of them used; CT has RescaleIntercept -1024. Two series of one
    ``seed`` and person belong to one study.
    """
    person = person or Person()
    slices, rows, columns = volume.shape
    spacing = volume.spacing_mm or (SLICE_SPACING_MM, 1.0, 1.0)
    root = [str(seed), person.patient_id, person.accession_number]
    for index in range(slices):
        instance = Dataset()
        _patient_and_study(instance, person, root)
        is_ct = volume.modality is Modality.CT
        instance.SOPClassUID = CTImageStorage if is_ct else MRImageStorage
        instance.SOPInstanceUID = generate_uid(entropy_srcs=[*root, f"{series_number}.{index}"])
        instance.SeriesInstanceUID = generate_uid(entropy_srcs=[*root, str(series_number)])
        instance.FrameOfReferenceUID = generate_uid(entropy_srcs=[*root, "frame"])
        instance.Modality = volume.modality.value
        instance.SeriesNumber, instance.InstanceNumber = str(series_number), str(index + 1)
        instance.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        instance.BodyPartExamined = volume.body_part or "HEAD"
        instance.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        instance.ImagePositionPatient = [
            -FIELD_OF_VIEW_MM / 2,
            -FIELD_OF_VIEW_MM / 2,
            round(index * spacing[0], 3),
        ]
        instance.PixelSpacing = [round(spacing[1], 6), round(spacing[2], 6)]
        instance.SliceThickness = spacing[0]
        instance.Rows, instance.Columns = rows, columns
        instance.SamplesPerPixel, instance.PhotometricInterpretation = 1, "MONOCHROME2"
        instance.BitsAllocated, instance.BitsStored, instance.HighBit = 16, 12, 11
        instance.PixelRepresentation = 0
        offset = 1024 if is_ct else 0
        if is_ct:
            instance.RescaleSlope, instance.RescaleIntercept, instance.RescaleType = 1, -1024, "HU"
            instance.WindowCenter, instance.WindowWidth, instance.KVP = 40, 80, 120
        stored = (volume.voxels[index].astype(np.int32) + offset).clip(0, 4095).astype("<u2")
        instance.PixelData = stored.tobytes()
        instance["PixelData"].VR = "OW"
        instance.file_meta = FileMetaDataset()
        instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        instance.file_meta.MediaStorageSOPClassUID = instance.SOPClassUID
        instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
        yield instance


def write_dicom_series(
    volume: Volume, folder: Path, person: Person | None = None, *, series_number: int = 1, seed: int = 0
) -> list[Path]:
    """Write ``dicom_series`` as files into ``folder`` (made if need be); their paths in slice order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, instance in enumerate(dicom_series(volume, person, series_number=series_number, seed=seed)):
        path = folder / f"{series_number:02d}-{index:04d}.dcm"
        instance.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def write_nifti(volume: Volume, path: Path) -> Path:
    """Write the volume as NIfTI-1 (``.nii`` or ``.nii.gz`` by the path), in RAS+ millimetres."""
    import nibabel  # noqa: PLC0415 (a third of a second that most users of phantoms do not need)

    slice_mm, row_mm, column_mm = volume.spacing_mm or (1.0, 1.0, 1.0)
    # Columns run to the patient's left and rows to the back: both are negative in RAS+.
    affine = np.diag([-column_mm, -row_mm, slice_mm, 1.0])
    affine[:3, 3] = FIELD_OF_VIEW_MM / 2, FIELD_OF_VIEW_MM / 2, 0.0
    image = nibabel.Nifti1Image(volume.voxels.transpose(2, 1, 0), affine)
    nibabel.save(image, path)
    return path


def brain_window(volume: Volume, index: int, centre: float = 40.0, width: float = 80.0) -> NDArray[np.uint8]:
    """One slice as a screen shows it: (rows, columns) uint8; CT by window, MR by its 12-bit range."""
    plane: Plane = volume.voxels[index].astype(np.float32)
    low, high = {
        VoxelUnits.HOUNSFIELD: (centre - width / 2, centre + width / 2),
        VoxelUnits.NORMALISED: (0.0, 4095.0),
        VoxelUnits.DISPLAY: (0.0, 255.0),
    }[volume.units]
    plane = (plane - np.float32(low)) / np.float32(high - low)
    return (plane.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def picture(volume: Volume, index: int, file_format: Literal["PNG", "JPEG"] = "PNG") -> bytes:
    """One slice in the brain window, as the bytes of a grey PNG or JPEG file."""
    from PIL import Image  # noqa: PLC0415

    buffer = io.BytesIO()
    Image.fromarray(brain_window(volume, index)).save(buffer, file_format, quality=95)
    return buffer.getvalue()


def photograph(size: int = 256, seed: int = 0) -> bytes:
    """A colourful JPEG that is no scan: soft blobs of random colours, as a camera might see."""
    from PIL import Image  # noqa: PLC0415

    blobs = np.random.default_rng(seed).standard_normal((size, size, 3), np.float32)
    soft = cv2.GaussianBlur(blobs, (0, 0), size / 12)
    pixels = ((soft - soft.min()) / np.ptp(soft) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def with_bleed(volume: Volume, bleed: Bleed | None = None) -> Volume:
    """The same CT head with a haemorrhage drawn into it; noise and geometry stay as they are."""
    bleed = bleed or Bleed()
    voxels = volume.voxels.astype(np.float32)
    for index, up in enumerate(_heights(volume.shape[0])):
        voxels[index] += _seen(up, volume.shape[1], bleed) - _seen(up, volume.shape[1], None)
    return replace(volume, voxels=np.rint(voxels).astype(np.int16))


def _heights(slices: int) -> list[float]:
    """Millimetres above the middle of the head of each slice, inferior first."""
    return [(index - (slices - 1) / 2) * SLICE_SPACING_MM for index in range(slices)]


def _patient_and_study(instance: Dataset, person: Person, root: list[str]) -> None:
    instance.PatientName = person.name
    instance.PatientID = person.patient_id
    instance.PatientBirthDate = person.birth_date
    instance.PatientSex = person.sex
    instance.AccessionNumber = person.accession_number
    instance.ReferringPhysicianName = person.referring_physician
    instance.InstitutionName = person.institution
    instance.StudyDate, instance.StudyTime = person.study_date, "101500"
    instance.StudyDescription = person.study_description
    instance.StudyID = "1"
    instance.StudyInstanceUID = generate_uid(entropy_srcs=[*root, "study"])
    instance.Manufacturer = "Ictus phantom"
    instance.PatientPosition = "HFS"


def _seen(up: float, size: int, bleed: Bleed | None) -> Plane:
    """A noiseless slice with the blur of a scanner's soft kernel."""
    blurred = cv2.GaussianBlur(draw_slice(up, size, bleed), (0, 0), _BLUR_PIXELS * size / 256)
    return np.asarray(blurred, dtype=np.float32)
