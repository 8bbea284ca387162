"""From an ordered stack of DICOM slices to its canonical volume."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import TooLargeError
from ictus.imaging.body_parts import body_part
from ictus.imaging.dicom import Instance
from ictus.imaging.intake import IntakeLimits
from ictus.imaging.normalise import (
    has_stored_inverse,
    negative,
    refuse_constant,
    to_display,
    to_hounsfield,
    to_normalised,
)
from ictus.imaging.pixels import Plane, decode, read_data_set
from ictus.imaging.series import Stack
from ictus.imaging.volume import Volume, VoxelUnits

_HOUNSFIELD_TYPES = {"", "HU"}
_AIR_IS_BELOW = -500
_WHOLE_BYTE = (128.0, 256.0)
"""The window (centre, width) that leaves 0..255 as it is."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A volume, and what a reader should know of how it came about (``IntakeSeries.warnings``).

    Warnings: ``stored_inverse``: a MONOCHROME1 CT was a negative and has been turned back;
    ``not_hounsfield``: a CT without air, so its values may not be Hounsfield units.
    """

    volume: Volume
    warnings: tuple[str, ...]


def assemble(stack: Stack, limits: IntakeLimits, decoded: Callable[[Instance, Dataset], None]) -> Assembled:
    """Decode a stack, one instance in memory at a time.

    ``decoded`` is called with each instance and its data set when its frames have been read; it may change
    the data set.

    Raises:
        TooLargeError: the series has more slices or voxels than allowed.
        IntakeError: a slice cannot be decoded (``ictus.imaging.pixels``).
    """
    rows, columns = stack.first.rows, stack.first.columns
    if stack.turn is not None and stack.turn.transpose:
        rows, columns = columns, rows
    shape = (len(stack.slots), rows, columns)
    if shape[0] > limits.max_slices or shape[0] * rows * columns > limits.max_voxels:
        raise TooLargeError("A series of the upload is larger than this installation allows.")
    units = _units(stack)
    gathered = _Gathered(shape, units)
    places = {(slot.instance.file.path, slot.frame.number): index for index, slot in enumerate(stack.slots)}
    for instance in stack.instances:
        dataset = read_data_set(instance)
        for frame, plane in decode(instance, dataset):
            index = places.get((instance.file.path, frame.number))
            if index is not None:
                gathered.put(index, plane, stack)
        decoded(instance, dataset)
    voxels, warnings = gathered.finished(stack)
    refuse_constant(voxels)
    return Assembled(
        Volume(
            voxels=voxels,
            modality=modality_of(stack.first),
            source_format=SourceFormat.DICOM,
            units=units,
            spacing_mm=stack.spacing_mm,
            body_part=body_part(stack.first.text("BodyPartExamined")),
            colourfulness=gathered.colourfulness / len(stack.slots),
        ),
        (*stack.warnings, *warnings),
    )


def modality_of(instance: Instance) -> Modality:
    """CT, MR or OTHER."""
    stated = instance.text("Modality").upper()
    return Modality(stated) if stated in {Modality.CT, Modality.MR} else Modality.OTHER


class _Gathered:
    """The volume while its slices come in."""

    def __init__(self, shape: tuple[int, int, int], units: VoxelUnits) -> None:
        self.units = units
        self.hounsfield = np.empty(shape if units is VoxelUnits.HOUNSFIELD else 0, np.int16)
        self.values = np.empty(shape if units is not VoxelUnits.HOUNSFIELD else 0, np.float32)
        self.colourfulness = 0.0
        self.inverted = False
        self.is_display = True

    def put(self, index: int, plane: Plane, stack: Stack) -> None:
        values, padded = plane.values, plane.padded
        if stack.turn is not None:
            values = stack.turn.apply(values)
            padded = None if padded is None else stack.turn.apply(padded)
        if self.units is VoxelUnits.HOUNSFIELD:
            self.hounsfield[index] = to_hounsfield(values, padded)
        else:
            self.values[index] = values
            if padded is not None:
                self.values[index][padded] = np.nan
        self.colourfulness += plane.colourfulness
        self.inverted = self.inverted or plane.inverted
        self.is_display = self.is_display and plane.is_display

    def finished(self, stack: Stack) -> tuple[NDArray[np.int16] | NDArray[np.uint8], tuple[str, ...]]:
        """(voxels, warnings)."""
        if self.units is VoxelUnits.HOUNSFIELD:
            if self.inverted and has_stored_inverse(self.hounsfield):
                return negative(self.hounsfield, _sum_of_ends(stack)), ("stored_inverse",)
            return self.hounsfield, () if self.hounsfield.min() < _AIR_IS_BELOW else ("not_hounsfield",)
        if self.units is VoxelUnits.NORMALISED:
            return to_normalised(self.values, inverted=self.inverted), ()
        window = _WHOLE_BYTE if self.is_display else _window(stack.first)
        return to_display(self.values, window, inverted=self.inverted), ()


def _units(stack: Stack) -> VoxelUnits:
    """Hounsfield units only where the header says so: a CT image object, grey, rescaled to HU."""
    instance, frame = stack.first, stack.slots[0].frame
    if instance.text("SamplesPerPixel") not in {"", "1"} or instance.text(
        "PhotometricInterpretation"
    ).startswith("PALETTE"):
        return VoxelUnits.DISPLAY
    is_capture = "Secondary Capture" in UID(instance.text("SOPClassUID")).name
    is_plain_byte = instance.text("BitsStored") in {"1", "8"} and (frame.slope, frame.intercept) == (1.0, 0.0)
    modality = modality_of(instance)
    if is_capture or modality is Modality.OTHER:
        return VoxelUnits.DISPLAY
    if modality is Modality.MR:
        return VoxelUnits.NORMALISED
    is_hounsfield = frame.rescale_type in _HOUNSFIELD_TYPES and not is_plain_byte
    return VoxelUnits.HOUNSFIELD if is_hounsfield else VoxelUnits.DISPLAY


def _sum_of_ends(stack: Stack) -> int:
    """Smallest plus largest value that can be stored, in Hounsfield units."""
    instance, frame = stack.first, stack.slots[0].frame
    is_signed = instance.text("PixelRepresentation") == "1"
    stored = -1 if is_signed else 2 ** int(instance.text("BitsStored")) - 1
    return round(stored * frame.slope + 2 * frame.intercept)


def _window(instance: Instance) -> tuple[float, float] | None:
    """The sender's first window (centre, width)."""
    centre = instance.text("WindowCenter").split("\\")[0]
    width = instance.text("WindowWidth").split("\\")[0]
    try:
        return (float(centre), float(width)) if float(width) >= 1 else None
    except ValueError:
        return None
