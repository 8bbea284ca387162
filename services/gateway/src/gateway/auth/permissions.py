"""What a machine may do, in two vocabularies that mean the same: Ictus's scopes and SMART's.

An API key carries ``Scope``; an OAuth client carries scopes as SMART App Launch 2.2 writes them for backend services
(``system/ImagingStudy.rs``, "Scopes for requesting FHIR Resources"), and may carry ``Scope`` too. One table says which
permissions a scope stands for, so that a route asks for one thing and does not care how the caller came by it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.auth.models import Scope
from ictus.domain.errors import InvalidRequestError


class ResourceType(StrEnum):
    """The FHIR resources that Ictus has."""

    PATIENT = "Patient"
    SERVICE_REQUEST = "ServiceRequest"
    IMAGING_STUDY = "ImagingStudy"
    DIAGNOSTIC_REPORT = "DiagnosticReport"
    OBSERVATION = "Observation"
    DEVICE = "Device"
    PROVENANCE = "Provenance"


class Interaction(StrEnum):
    """What may be done with a resource, by SMART's letters; their order is ``cruds``."""

    CREATE = "c"
    READ = "r"
    UPDATE = "u"
    DELETE = "d"
    SEARCH = "s"


@dataclass(frozen=True, order=True, slots=True)
class Permission:
    """One interaction with one type of resource."""

    resource: ResourceType
    interaction: Interaction

    def __str__(self) -> str:
        return f"system/{self.resource}.{self.interaction}"


class ScopeUnknownError(InvalidRequestError):
    """A scope that this installation does not have."""

    code = "scope_unknown"
    title = "This scope does not exist here."


def _readable(*resources: ResourceType) -> frozenset[Permission]:
    return frozenset(
        Permission(one, interaction)
        for one in resources
        for interaction in (Interaction.READ, Interaction.SEARCH)
    )


ORDER: Final = Permission(ResourceType.SERVICE_REQUEST, Interaction.CREATE)

EVERY_PERMISSION: Final = _readable(*ResourceType) | {ORDER}
"""Everything that can be done by FHIR here."""

_MEANS: Final = {
    Scope.STUDIES_READ: _readable(
        ResourceType.PATIENT, ResourceType.SERVICE_REQUEST, ResourceType.IMAGING_STUDY
    ),
    Scope.STUDIES_WRITE: frozenset({ORDER}),
    Scope.REPORTS_READ: _readable(
        ResourceType.PATIENT,
        ResourceType.DIAGNOSTIC_REPORT,
        ResourceType.OBSERVATION,
        ResourceType.DEVICE,
        ResourceType.PROVENANCE,
    ),
}
_IMPLIED: Final = (Scope.STUDIES_READ, Scope.REPORTS_READ)
"""Scopes that show nothing beyond what their permissions show; who has all of these has the scope."""

_SMART: Final = re.compile(r"system/(\*|[A-Za-z]{2,40})\.(c?r?u?d?s?|read|write|\*)")
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True)
class Grants:
    """What a machine may do."""

    scopes: frozenset[Scope] = frozenset()
    permissions: frozenset[Permission] = frozenset()

    @classmethod
    def of(cls, scopes: Iterable[Scope], permissions: Iterable[Permission] = ()) -> "Grants":
        """Of an API key, or of a token; each vocabulary is completed from the other."""
        held = frozenset(scopes)
        allowed = frozenset(permissions).union(*(_MEANS.get(scope, frozenset()) for scope in held))
        return cls(held | {scope for scope in _IMPLIED if _MEANS[scope] <= allowed}, allowed)

    @classmethod
    def parse(cls, words: Iterable[str], *, strict: bool) -> "Grants":
        """Read scopes as a client writes them.

        Args:
            words: e.g. ``system/*.rs`` or ``studies:write``; SMART's first notation (``.read``) is understood too.
            strict: whether a word that means nothing here raises ``ScopeUnknownError`` or is passed over.
        """
        scopes: set[Scope] = set()
        permissions: set[Permission] = set()
        for word in words:
            if word in set(Scope):
                scopes.add(Scope(word))
                continue
            meant = _permissions_of(word)
            if not meant and strict:
                raise ScopeUnknownError(f"There is no scope '{word[:80]}' here.")
            permissions |= meant
        return cls.of(scopes, permissions)

    def __and__(self, other: "Grants") -> "Grants":
        return Grants(self.scopes & other.scopes, self.permissions & other.permissions)

    def __bool__(self) -> bool:
        return bool(self.scopes or self.permissions)

    def words(self) -> list[str]:
        """The shortest way to write them, in a fixed order."""
        letters: dict[ResourceType, str] = {}
        for resource in ResourceType:
            held = {one.interaction for one in self.permissions if one.resource is resource}
            if held:
                letters[resource] = "".join(one.value for one in Interaction if one in held)
        everywhere = [
            one for one in Interaction if all(one.value in letters.get(kind, "") for kind in ResourceType)
        ]
        words = [f"system/*.{''.join(everywhere)}"] if everywhere else []
        for resource, held_letters in letters.items():
            rest = "".join(one for one in held_letters if one not in set(everywhere))
            if rest:
                words.append(f"system/{resource}.{rest}")
        own = self.scopes - Grants.of((), self.permissions).scopes
        return words + sorted(scope.value for scope in own)


NOTHING: Final = Grants()

PERSON: Final = Grants(frozenset(), EVERY_PERMISSION)
"""What every person may do by FHIR; a person's role decides the rest."""


def _permissions_of(word: str) -> set[Permission]:
    match = _SMART.fullmatch(word)
    if match is None:
        return set()
    resource, letters = match.groups()
    letters = _VERSION_1.get(letters, letters)
    return {
        one
        for one in EVERY_PERMISSION
        if resource in {"*", one.resource.value} and one.interaction.value in letters
    }
