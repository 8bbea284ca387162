"""Drawn heads: CT and MR phantoms as volumes, DICOM series, NIfTI and pictures.

They stand in for patients wherever real scans must not go: tests, the bundled sample, benchmarks. The
anatomy is coarse (skull, grey and white matter, ventricles, falx, an optional bleed) but its Hounsfield
units, geometry and noise are those of a clinical head CT. The same arguments always draw the same head.
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
from ictus.imaging.volume import Volume, VoxelUnits

Plane = NDArray[np.float32]

FIELD_OF_VIEW_MM = 240.0
SLICE_SPACING_MM = 5.0
_HEAD_HALF_MM = (92.0, 72.0, 80.0)
"""Half axes of the skin: front to back, side to side, and how fast the head narrows upwards."""


@dataclass(frozen=True, slots=True)
class Bleed:
    """A fresh intraparenchymal haemorrhage: an ellipsoid of 68 HU with a rim of oedema.

    ``centre_mm`` is (up, back, patient's left) from the middle of the head; ``radius_mm`` its mean radius.
    """

    centre_mm: tuple[float, float, float] = (5.0, 12.0, 32.0)
    radius_mm: float = 17.0


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
        tissue = _draw_slice(up, size, bleed)
        blurred = cv2.GaussianBlur(tissue, (0, 0), 0.7 * size / 256)
        noise = cv2.GaussianBlur(random.standard_normal((size, size), np.float32) * 9, (0, 0), 0.8)
        voxels[index] = np.clip(np.rint(blurred + noise), -1024, 3071)
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
    hounsfield = [-1000, -70, 5, 8, 28, 37, 46, 850, 1100]
    signal = [0, 3400, 700, 800, 2700, 2100, 1500, 150, 100]
    voxels = np.empty((slices, size, size), np.int16)
    for index, up in enumerate(_heights(slices)):
        tissue = np.interp(_draw_slice(up, size, None), hounsfield, signal).astype(np.float32)
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
        before = _draw_slice(up, volume.shape[1], None)
        voxels[index] += _draw_slice(up, volume.shape[1], bleed) - before
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


def _draw_slice(up: float, size: int, bleed: Bleed | None) -> Plane:
    """(size, size) float32 Hounsfield units, noiseless, at ``up`` mm above the middle of the head."""
    pixel = FIELD_OF_VIEW_MM / size
    axis = (np.arange(size, dtype=np.float32) - (size - 1) / 2) * pixel
    back, left = np.meshgrid(axis, axis, indexing="ij")
    narrowing = float(np.sqrt(max(0.08, 1 - (max(up, 0.0) / _HEAD_HALF_MM[2]) ** 2 * 0.9)))

    def ellipse(half_back: float, half_left: float, at_back: float = 0.0, at_left: float = 0.0) -> Plane:
        """Below 1 inside, 1 on the border."""
        distance: Plane = np.hypot((back - at_back) / half_back, (left - at_left) / half_left)
        return distance

    half = [_HEAD_HALF_MM[0] * narrowing, _HEAD_HALF_MM[1] * narrowing]
    plane = np.full((size, size), -1000, np.float32)
    plane[ellipse(half[0], half[1]) < 1] = 35  # scalp
    plane[ellipse(half[0] - 3, half[1] - 3) < 1] = -70  # its fat
    plane[ellipse(half[0] - 6, half[1] - 6) < 1] = 1100  # skull
    plane[ellipse(half[0] - 13, half[1] - 13) < 1] = 8  # fluid around the brain
    brain = ellipse(half[0] - 15, half[1] - 15)
    angle = np.arctan2(left, back)
    folds = 0.05 * np.sin(19 * angle + up / 6) + 0.03 * np.sin(31 * angle)
    plane[brain < 1] = 37
    plane[brain + folds < 0.86] = 28
    plane[(brain < 1) & (np.abs(left) < 0.9)] = 46  # falx
    spread = 1 - (up / 34) ** 2
    if spread > 0.15:
        for side in (-1, 1):
            ventricle = ellipse(26 * spread, 6.5 * spread, at_back=-4, at_left=side * (9 + 3 * spread))
            plane[(ventricle < 1) & (brain < 0.9)] = 5
    if up < -28:
        for side in (-1, 1):  # petrous bone
            plane[(ellipse(9, 24, at_back=8, at_left=side * 36) < 1) & (brain < 1.1)] = 850
    if bleed is not None:
        height, at_back, at_left = bleed.centre_mm
        reach = 1 - ((up - height) / bleed.radius_mm) ** 2
        if reach > 0:
            width = bleed.radius_mm * float(np.sqrt(reach))
            blob = ellipse(width * 1.2, width * 0.85, at_back, at_left)
            plane[(blob < 1.3) & (brain < 1)] = 20
            plane[(blob < 1) & (brain < 1)] = 68
    return plane
