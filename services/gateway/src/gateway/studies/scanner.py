"""Which kind of scanner a series comes from, by what its de-identified header says.

Manufacturer, ManufacturerModelName and ConvolutionKernel name a kind of device and a way of reconstruction, of which there
are many alike; PS3.15 E.1-1 does not name them, and intake keeps them. What tells one device from its like
(DeviceSerialNumber, StationName, DeviceUID, InstitutionName) is gone by then.
"""

from collections.abc import Iterable
from typing import Final

from gateway.studies.models import Instance
from ictus.imaging.stored import DicomJson

LONGEST: Final = 200
_MANUFACTURER: Final = "00080070"
_MODEL: Final = "00081090"
_KERNEL: Final = "00181210"


def scanner_of(instances: Iterable[Instance]) -> str | None:
    """The scanner in words, such as "SIEMENS SOMATOM Force, Hr38"; None when the first instance does not say it."""
    first = min(
        instances,
        key=lambda one: (one.instance_number is None, one.instance_number or 0, one.sop_instance_uid),
        default=None,
    )
    if first is None:
        return None
    device = " ".join(said for tag in (_MANUFACTURER, _MODEL) if (said := _first(first.attributes, tag)))
    return ", ".join(part for part in (device, _first(first.attributes, _KERNEL)) if part)[:LONGEST] or None


def _first(attributes: DicomJson, tag: str) -> str:
    """An attribute's first value; some vendors' kernels have a second one, a setting of the first."""
    values = attributes.get(tag, {}).get("Value") or [""]
    return str(values[0] or "").strip()
