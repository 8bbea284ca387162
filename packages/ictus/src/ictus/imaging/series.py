"""From DICOM instances in any order to stacks of slices: one stack becomes one series of the study."""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ictus.domain.errors import (
    MalformedFileError,
    MixedStudiesError,
    NoUsableSeriesError,
    UnsupportedDimensionsError,
)
from ictus.imaging.dicom import Frame, Instance
from ictus.imaging.orientation import Turn, stacking_direction, turn_for
from ictus.imaging.upload import Upload

MAX_STACKS = 8
"""A series with more stacks at the same place is a time course or a many-direction diffusion: 4-D."""

_SAME_PLACE_MM = 0.01
_UNEVEN = 0.1


@dataclass(frozen=True, slots=True)
class Slot:
    """One slice of a stack."""

    instance: Instance
    frame: Frame


@dataclass(frozen=True, slots=True)
class Stack:
    """The slices of one volume, in order, all of one size and orientation.

    Attributes:
        turn: how to turn each plane for display; None when the orientation is unknown.
        spacing_mm: (slice, row, column) after the turn; None when the source has none.
        warnings: ``uneven_spacing``: a slice may be missing or the spacing changes;
            ``unordered``: no positions, so the order is the sender's numbering;
            ``mosaic``: one picture tiles several slices.
    """

    slots: tuple[Slot, ...]
    turn: Turn | None
    spacing_mm: tuple[float, float, float] | None
    warnings: tuple[str, ...] = ()

    @property
    def first(self) -> Instance:
        """The instance of the first slice."""
        return self.slots[0].instance

    @property
    def instances(self) -> list[Instance]:
        """The stack's instances, each once, in slice order."""
        return list({slot.instance.file.path: slot.instance for slot in self.slots}.values())


def refuse_mixed(instances: Iterable[Instance]) -> None:
    """Make sure that all instances are of one study of one patient.

    Raises:
        MixedStudiesError: they are not.
    """
    owners = {
        (
            instance.text("StudyInstanceUID"),
            instance.text("PatientID"),
            instance.text("PatientName").strip("^ ").casefold(),
            instance.text("PatientBirthDate"),
        )
        for instance in instances
    }
    if len(owners) > 1:
        raise MixedStudiesError


def stacks_of(instances: list[Instance], upload: Upload) -> list[Stack]:
    """Sort instances into stacks; localizers, duplicates and 4-D series are left out with a note.

    Raises:
        MalformedFileError: two different images carry the same SOPInstanceUID.
        MixedStudiesError: the instances are not of one study.
    """
    refuse_mixed(instances)
    images = [instance for instance in _without_duplicates(instances, upload) if _is_wanted(instance, upload)]
    groups: dict[tuple[object, ...], list[Slot]] = defaultdict(list)
    for instance in images:
        for frame in instance.frames:
            groups[_group_key(instance, frame)].append(Slot(instance, frame))
    stacks: list[Stack] = []
    for slots in groups.values():
        try:
            stacks.extend(_ordered(split) for split in _split_repeats(slots))
        except UnsupportedDimensionsError as error:
            for file in {slot.instance.file.path: slot.instance.file for slot in slots}.values():
                upload.leave_out(file, error)
    return sorted(stacks, key=_study_order)


def _without_duplicates(instances: list[Instance], upload: Upload) -> list[Instance]:
    kept: dict[str, Instance] = {}
    for number, instance in enumerate(instances):
        uid = instance.text("SOPInstanceUID") or f"none-{number}"
        if uid not in kept:
            kept[uid] = instance
        elif _digest(kept[uid]) == _digest(instance):
            upload.note(instance.file, "duplicate", "The same image is in the upload twice.")
        else:
            raise MalformedFileError("Two different images in the upload carry the same identifier.")
    return list(kept.values())


def _digest(instance: Instance) -> bytes:
    with instance.file.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _is_wanted(instance: Instance, upload: Upload) -> bool:
    if "LOCALIZER" not in instance.image_type:
        return True
    upload.note(instance.file, "localizer", "A localizer (scout) is not analysed.")
    upload.refusals.append(NoUsableSeriesError("The upload holds only a localizer (scout), no slices."))
    return False


def _group_key(instance: Instance, frame: Frame) -> tuple[object, ...]:
    """What all slices of one volume have in common, the meaning of their values included."""
    orientation = frame.orientation and tuple(round(part, 2) + 0.0 for part in frame.orientation)
    return (
        instance.text("SeriesInstanceUID"),
        instance.text("Modality"),
        instance.text("SOPClassUID"),
        instance.text("SamplesPerPixel"),
        instance.text("PhotometricInterpretation"),
        frame.rescale_type,
        instance.rows,
        instance.columns,
        orientation,
        frame.position is None,
    )


def _split_repeats(slots: list[Slot]) -> list[list[Slot]]:
    """Part a group so that no two slices of a part are at the same place.

    Raises:
        UnsupportedDimensionsError: too many parts: a time course.
    """
    if not _repeats(slots):
        return [slots]
    parts = _by_contrast(slots) or _by_turn(slots)
    if len(parts) > MAX_STACKS:
        raise UnsupportedDimensionsError(
            "The series shows the same slices many times over (perfusion, diffusion or functional scan)."
        )
    return parts


def _by_contrast(slots: list[Slot]) -> list[list[Slot]] | None:
    """Parted by as few contrast attributes as it takes; None when even all of them leave repeats."""
    for count in range(1, len(slots[0].frame.contrast) + 1):
        parts: dict[tuple[str, ...], list[Slot]] = defaultdict(list)
        for slot in slots:
            parts[slot.frame.contrast[:count]].append(slot)
        if not any(_repeats(part) for part in parts.values()):
            return list(parts.values())
    return None


def _by_turn(slots: list[Slot]) -> list[list[Slot]]:
    """Parted by numbering: the first slice at each place, the second at each, and so on."""
    parts: list[list[Slot]] = []
    seen: dict[int, int] = defaultdict(int)
    for place, slot in sorted(
        zip(_places(slots) or [], slots, strict=True), key=lambda pair: _number(pair[1])
    ):
        key = round(place / _SAME_PLACE_MM)
        if seen[key] == len(parts):
            parts.append([])
        parts[seen[key]].append(slot)
        seen[key] += 1
    return parts


def _places(slots: list[Slot]) -> list[float] | None:
    """Each slice's distance along the stacking direction in millimetres; None when positions are missing."""
    orientation = slots[0].frame.orientation
    if orientation is None:
        return None
    try:
        direction = stacking_direction(orientation)
    except ValueError:
        return None
    places = [float(direction @ np.array(slot.frame.position)) for slot in slots if slot.frame.position]
    return places if len(places) == len(slots) else None


def _repeats(slots: list[Slot]) -> bool:
    places = sorted(_places(slots) or [])
    return any(after - before < _SAME_PLACE_MM for before, after in itertools.pairwise(places))


def _number(slot: Slot) -> tuple[float, int]:
    try:
        number = float(slot.instance.text("InstanceNumber"))
    except ValueError:
        number = 0.0
    return number, slot.frame.number


def _ordered(slots: list[Slot]) -> Stack:
    warnings = ["mosaic"] if "MOSAIC" in slots[0].instance.image_type else []
    frame = slots[0].frame
    places = _places(slots)
    if places is None:
        if len(slots) > 1:
            warnings.append("unordered")
        slots = sorted(slots, key=_number)
        return Stack(tuple(slots), None, _spacing(frame, None, None), tuple(warnings))
    by_place = sorted(zip(places, slots, strict=True), key=lambda item: item[0])
    steps = np.diff([place for place, _ in by_place])
    step = float(np.median(steps)) if len(steps) else None
    if step and np.abs(steps - step).max() > _UNEVEN * step:
        warnings.append("uneven_spacing")
    turn = turn_for(frame.orientation) if frame.orientation else None
    return Stack(tuple(slot for _, slot in by_place), turn, _spacing(frame, step, turn), tuple(warnings))


def _spacing(frame: Frame, step: float | None, turn: Turn | None) -> tuple[float, float, float] | None:
    if frame.pixel_spacing is None:
        return None
    row, column = frame.pixel_spacing
    if turn is not None and turn.transpose:
        row, column = column, row
    return round(step or frame.thickness or 1.0, 4), round(row, 6), round(column, 6)


def _study_order(stack: Stack) -> tuple[float, str, float]:
    try:
        number = float(stack.first.text("SeriesNumber"))
    except ValueError:
        number = float("inf")
    return number, stack.first.text("SeriesInstanceUID"), _number(stack.slots[0])[0]
