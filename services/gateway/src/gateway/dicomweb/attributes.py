"""Which attributes an answer about a study, series or instance carries (PS3.18 10.6.3), and how they are written."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

from ictus.imaging.stored import DicomJson


def _tags(*keywords: str) -> tuple[str, ...]:
    return tuple(f"{int(tag_for_keyword(keyword) or 0):08X}" for keyword in keywords)


STUDY_FIELDS: Final = _tags(
    "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyDescription", "PatientName",
    "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyID",
)  # fmt: skip
SERIES_FIELDS: Final = _tags(
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "BodyPartExamined",
    "StudyInstanceUID",
)
INSTANCE_FIELDS: Final = _tags(
    "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "StudyInstanceUID", "SeriesInstanceUID",
)  # fmt: skip

_BINARY: Final = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})

Address = Callable[..., str]
"""Makes the address of a resource from a study's, series' and instance's UIDs, as many as are given."""


def element(keyword: str, *values: Any) -> tuple[str, dict[str, Any]]:
    """One attribute in the DICOM JSON Model (PS3.18 F.2.2), by its tag."""
    number = tag_for_keyword(keyword) or 0
    described: dict[str, Any] = {"vr": dictionary_VR(number).split(" ")[0]}
    if values:
        described["Value"] = list(values)
    return f"{int(number):08X}", described


def selected(
    attributes: DicomJson, level: Iterable[str], include: frozenset[str] | None, *, everything: bool
) -> DicomJson:
    """The level's attributes and the wished ones. What a level requires is there, empty when it has no value.

    Args:
        attributes: of an instance.
        level: tags that every answer of the level carries.
        include: further tags; None for all that are known of the level.
        everything: whether ``all`` means all attributes of the instance.
    """
    wanted = set(level) | (include or set())
    if include is None and everything:
        wanted |= {tag for tag, one in attributes.items() if one.get("vr") not in _BINARY}
    found = {tag: attributes[tag] for tag in wanted if tag in attributes}
    for tag in level:
        found.setdefault(tag, {"vr": dictionary_VR(int(tag, 16)).split(" ")[0]})
    return dict(sorted(found.items()))


def items_of(described: object, tag: str) -> list[object]:
    """The values of an attribute in the DICOM JSON Model, as another system wrote it; none when it is not so."""
    found = described.get(tag) if isinstance(described, Mapping) else None
    items = found.get("Value") if isinstance(found, Mapping) else None
    return list(items) if isinstance(items, list) else []


def value_of(described: object, tag: str) -> object:
    """The first value of an attribute, None without one."""
    return next(iter(items_of(described, tag)), None)
