"""Search parameters: what a caller may ask for, and what it means (FHIR R4, 3.1.1)."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from gateway.auth.permissions import ResourceType
from gateway.cursor import CursorError
from gateway.fhir.errors import IdentityInAddressError, SearchRefusedError
from gateway.identity import IdentityCipher, IdentityUnreadableError

Parameters = Sequence[tuple[str, str]]

MOST: Final = 200
"""Matches of one page at most."""

_DEFAULT_COUNT: Final = 50
_FOR_EVERY_TYPE: Final = frozenset({"_id", "_lastUpdated", "_count", "_include", "_format", "_page"})
_ALIASES: Final = {"subject": "patient"}
_MOMENT: Final = re.compile(
    r"(eq|ge|gt|le|lt)?(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:\d{2}))?"
)


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit to a time: from ``since`` on, and before ``until``."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number or UID by which another system knows something; ``system`` is None where the caller left it open."""

    system: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Position:
    """Behind which row a page begins: newest first, by when the study was received."""

    received_at: datetime
    row_id: UUID


@dataclass(frozen=True)
class Criteria:
    """One search. What is None lets all pass; ``nothing`` says that the parameters contradict each other."""

    ids: frozenset[str] | None = None
    patient: UUID | None = None
    identifier: Identifier | None = None
    updated: tuple[Bound, ...] = ()
    statuses: frozenset[str] | None = None
    includes: tuple[str, ...] = ()
    count: int = _DEFAULT_COUNT
    after: Position | None = None
    nothing: bool = False


@dataclass(frozen=True)
class SearchDefinition:
    """What can be asked of one type: parameters beyond those of every type, and what can be included."""

    resource: ResourceType
    parameters: frozenset[str]
    includes: frozenset[str]


def read_criteria(parameters: Parameters, definition: SearchDefinition, *, in_address: bool) -> Criteria:
    """What the parameters of one type mean.

    Args:
        parameters: decoded, in order.
        definition: of the type.
        in_address: whether they stood in the address.

    Raises:
        SearchRefusedError, IdentityInAddressError: a parameter is not one of this type, or not as it must be.
    """
    read = _Reading(definition, in_address=in_address)
    for name, value in parameters:
        read.take(_ALIASES.get(name, name), value)
    return read.criteria()


class _Reading:
    """Collects parameters. One that is given again narrows the search further."""

    def __init__(self, definition: SearchDefinition, *, in_address: bool) -> None:
        self._definition = definition
        self._in_address = in_address
        self._ids: set[str] | None = None
        self._patients: set[UUID] = set()
        self._identifiers: set[Identifier] = set()
        self._updated: list[Bound] = []
        self._statuses: set[str] | None = None
        self._includes: list[str] = []
        self._count = _DEFAULT_COUNT
        self._nothing = False

    def take(self, name: str, value: str) -> None:
        """Note one parameter."""
        if name not in self._definition.parameters | _FOR_EVERY_TYPE:
            raise SearchRefusedError(
                f"{self._definition.resource} cannot be searched by '{name[:60]}' here. /metadata lists what it can."
            )
        if "\0" in value:
            raise SearchRefusedError(f"'{name}' holds a character that no value has.")
        match name:
            case "_id":
                self._ids = _narrowed(self._ids, value.split(","))
            case "status":
                self._statuses = _narrowed(self._statuses, value.split(","))
            case "patient":
                patient = _patient_of(value)
                self._nothing |= patient is None
                self._patients |= {patient} if patient else set()
            case "identifier":
                if self._in_address:
                    raise IdentityInAddressError
                system, bar, number = value.rpartition("|")
                self._identifiers.add(Identifier(system if bar else None, number))
            case "_lastUpdated":
                self._updated.append(_bound(value))
            case "_include":
                if value not in self._definition.includes:
                    raise SearchRefusedError(f"'{value[:60]}' cannot be included here.")
                self._includes.append(value)
            case "_count":
                self._count = _count(value)

    def criteria(self) -> Criteria:
        """All of it."""
        contradictory = len(self._patients) > 1 or len(self._identifiers) > 1
        return Criteria(
            ids=None if self._ids is None else frozenset(self._ids),
            patient=next(iter(self._patients), None),
            identifier=next(iter(self._identifiers), None),
            updated=tuple(self._updated),
            statuses=None if self._statuses is None else frozenset(self._statuses),
            includes=tuple(dict.fromkeys(self._includes)),
            count=self._count,
            nothing=self._nothing or contradictory,
        )


def page_token(cipher: IdentityCipher, parameters: Parameters, position: Position) -> str:
    """The search and where it stands, sealed: the next page's address shows nothing of what was asked for."""
    told = {"p": list(parameters), "at": position.received_at.isoformat(), "id": str(position.row_id)}
    return cipher.encrypt(json.dumps(told)).decode()


def open_page_token(cipher: IdentityCipher, token: str) -> tuple[Parameters, Position]:
    """What ``page_token`` sealed. Raises ``CursorError``."""
    try:
        told = json.loads(cipher.decrypt(token.encode()))
        parameters = [(str(name), str(value)) for name, value in told["p"]]
        return parameters, Position(datetime.fromisoformat(told["at"]), UUID(told["id"]))
    except (IdentityUnreadableError, ValueError, KeyError, TypeError):
        raise CursorError from None


def _narrowed(before: set[str] | None, values: Iterable[str]) -> set[str]:
    return set(values) if before is None else before & set(values)


def _patient_of(value: str) -> UUID | None:
    try:
        return UUID(value.rstrip("/").rsplit("/", 1)[-1])
    except ValueError:
        return None


def _count(value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or len(value) > 6 or int(value) < 1:
        raise SearchRefusedError("'_count' must be a number from 1 on.")
    return min(int(value), MOST)


def _bound(value: str) -> Bound:
    match = _MOMENT.fullmatch(value)
    if match is None:
        raise SearchRefusedError(
            "'_lastUpdated' must be a date, or a time with its zone, e.g. ge2026-01-02T03:04:05Z."
        )
    prefix, day, time, zone = match.groups()
    try:
        start = datetime.fromisoformat(f"{day}T{time}{zone}" if time else f"{day}T00:00:00Z").astimezone(UTC)
        end = start + _precision(time)
    except (ValueError, OverflowError):
        raise SearchRefusedError("'_lastUpdated' names a day or a time that does not exist.") from None
    return {
        "ge": Bound(start, None),
        "gt": Bound(end, None),
        "le": Bound(None, end),
        "lt": Bound(None, start),
    }.get(prefix or "eq", Bound(start, end))


def _precision(time: str | None) -> timedelta:
    if time is None:
        return timedelta(days=1)
    if time.count(":") == 1:
        return timedelta(minutes=1)
    return timedelta(seconds=1) if "." not in time else timedelta(microseconds=1)
