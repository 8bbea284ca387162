"""What a search asks for (QIDO-RS, PS3.18 8.3.4): matching keys, included attributes, a page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

from gateway.dicomweb.errors import QueryMalformedError

STUDY_INSTANCE_UID: Final = "0020000D"
SERIES_INSTANCE_UID: Final = "0020000E"
SOP_INSTANCE_UID: Final = "00080018"
SOP_CLASS_UID: Final = "00080016"
MODALITY: Final = "00080060"
MODALITIES_IN_STUDY: Final = "00080061"

MOST_RESULTS: Final = 1000
"""Of one answer; further ones by ``offset``, as a Warning header says."""

_CONTROLS: Final = frozenset({"limit", "offset", "includefield", "fuzzymatching"})
_MOST_KEYS: Final = 32
_LONGEST: Final = 1024
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class MatchingKey:
    """One attribute that must match. ``values``: several UIDs, of which one must be it; otherwise exactly one."""

    tag: str
    vr: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A search below the resource that the address names.

    Attributes:
        keys: all of them must match.
        include: further attributes of each result; None for all that are known.
        unmatched: keys that cannot be matched here and were ignored.
    """

    keys: tuple[MatchingKey, ...]
    include: frozenset[str] | None
    limit: int
    offset: int
    unmatched: tuple[str, ...] = ()
    fuzzy: bool = False

    @classmethod
    def parse(cls, parameters: Iterable[tuple[str, str]]) -> "Search":
        """Read an address's parameters.

        Raises:
            QueryMalformedError: a name is no attribute, or a number is none.
        """
        given = list(parameters)
        if len(given) > _MOST_KEYS or any(len(value) > _LONGEST for _, value in given):
            raise QueryMalformedError("The search has too many or too long keys.")
        if any("\0" in name + value for name, value in given):
            raise QueryMalformedError
        keys: list[MatchingKey] = []
        include: set[str] = set()
        everything = False
        unmatched = []
        numbers = {"limit": MOST_RESULTS, "offset": 0}
        for name, value in given:
            if name in numbers:
                numbers[name] = _whole(name, value)
            elif name == "includefield":
                for field in value.split(","):
                    if field.strip().lower() == "all":
                        everything = True
                    elif field.strip():
                        include.add(_tag(field))
            elif name not in _CONTROLS:
                if "." in name:  # a path into a sequence
                    unmatched.append(name)
                    continue
                key = _key(name, value)
                include.add(key.tag)
                if value not in {"", "*"}:
                    keys.append(key)
        fuzzy = any(name == "fuzzymatching" and value.lower() == "true" for name, value in given)
        return cls(
            keys=tuple(keys),
            include=None if everything else frozenset(include),
            limit=min(numbers["limit"], MOST_RESULTS),
            offset=numbers["offset"],
            unmatched=tuple(unmatched),
            fuzzy=fuzzy,
        )


def _key(name: str, value: str) -> MatchingKey:
    tag = _tag(name)
    vr = "CS" if tag == MODALITIES_IN_STUDY else dictionary_VR(int(tag, 16))
    if vr == "UI":
        values = tuple(uid for uid in value.replace("\\", ",").split(",") if uid)
    elif tag in {MODALITY, MODALITIES_IN_STUDY}:
        values = tuple(one for one in value.replace("\\", ",").split(",") if one)
    else:
        values = (value,)
    return MatchingKey(tag, vr, values or ("",))


def _tag(name: str) -> str:
    """The eight digits of an attribute named by keyword or tag."""
    name = name.strip()
    number = tag_for_keyword(name)
    if number is None and _TAG.fullmatch(name):
        number = int(name, 16)
    if number is None or not dictionary_has_tag(number):
        raise QueryMalformedError("The search names an attribute that DICOM does not have.")
    return f"{int(number):08X}"


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or len(value) > 9:
        raise QueryMalformedError(f"'{name}' must be a whole number.")
    return int(value)
