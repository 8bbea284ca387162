"""Reading and searching resources, as one caller may see them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from fhir.resources.R4B.resource import Resource
from sqlalchemy.orm import Session

from gateway.auth.caller import Caller
from gateway.auth.permissions import Interaction, Permission, ResourceType
from gateway.auth.repository import UserRepository
from gateway.fhir.criteria import Criteria, Parameters, Position, open_page_token, read_criteria
from gateway.fhir.errors import IdentitySearchRefusedError
from gateway.fhir.facts import Document, Facts, Versioned, View, patient_id
from gateway.fhir.pending import PendingOrder, PendingOrders, pending_order
from gateway.fhir.repository import FhirRepository
from gateway.fhir.resources import RESOURCES
from gateway.reports.service import draft_report
from gateway.resources import Resources
from gateway.sites.repository import SiteRepository
from ictus.domain.errors import NotFoundError
from ictus.report import render_pdf

_READ_PATIENT = Permission(ResourceType.PATIENT, Interaction.READ)
_SEARCH_PATIENT = Permission(ResourceType.PATIENT, Interaction.SEARCH)


@dataclass(frozen=True)
class Found:
    """One page: matches, what was to be included with them, and from where the next page goes on."""

    parameters: Parameters
    matches: Sequence[Resource]
    included: Sequence[Resource]
    next_position: Position | None


@dataclass(frozen=True, slots=True)
class _Row:
    """What a resource is written from, and where it stands among the pages."""

    behind: Facts | PendingOrder
    position: Position


class FhirService:
    """The resources of the caller's site.

    Args:
        session: the request's.
        resources: store, cipher and settings.
        caller: whose site and permissions count.
        base: the FHIR base's address.
    """

    def __init__(self, session: Session, resources: Resources, caller: Caller, base: str) -> None:
        self._session = session
        self._resources = resources
        self._caller = caller
        uid_key = resources.settings.uid_key.get_secret_value().encode()
        self._rows = FhirRepository(session, caller.site_id, uid_key)
        self._pending = PendingOrders(session, caller.site_id, uid_key)
        self._view = View(
            base=base,
            site_id=caller.site_id,
            site_name=SiteRepository(session).require(caller.site_id).name,
            sees_identity=caller.allows(_READ_PATIENT),
            cipher=resources.cipher,
        )

    def read(self, resource: ResourceType, resource_id: str) -> tuple[Versioned, Resource]:
        """One resource and the rows behind it. Raises ``NotFoundError``."""
        rows = self._page(resource, Criteria(ids=frozenset({resource_id})), 1)
        if not rows:
            raise NotFoundError(f"There is no such {resource}.")
        facts = rows[0].behind
        if isinstance(facts, PendingOrder):
            return facts, pending_order(facts, self._view)
        view = self._with_readings([facts])
        if resource is ResourceType.DIAGNOSTIC_REPORT and view.sees_identity:
            pdf = self.document(facts.study.id)
            document = Document(len(pdf), hashlib.sha1(pdf, usedforsecurity=False).digest())
            view = replace(view, documents={facts.study.id: document})
        return facts, RESOURCES[resource].write(facts, view)

    def search(self, resource: ResourceType, parameters: Parameters, *, in_address: bool) -> Found:
        """One page of matches.

        Raises:
            SearchRefusedError, IdentityInAddressError, IdentitySearchRefusedError: it may not be asked so.
            CursorError: ``_page`` is none of this installation.
        """
        position = None
        token = next((value for name, value in parameters if name == "_page"), None)
        if token is not None:
            parameters, position = open_page_token(self._resources.cipher, token)
            in_address = False  # what was sealed came in a body
        definition = RESOURCES[resource]
        wanted = replace(read_criteria(parameters, definition.search, in_address=in_address), after=position)
        if wanted.identifier is not None and not self._caller.allows(_SEARCH_PATIENT):
            raise IdentitySearchRefusedError
        rows = [] if wanted.nothing else self._page(resource, wanted, wanted.count + 1)
        page, more = rows[: wanted.count], len(rows) > wanted.count
        facts = [one.behind for one in page if isinstance(one.behind, Facts)]
        view = self._with_readings(facts)
        return Found(
            parameters=parameters,
            matches=[
                pending_order(one.behind, view)
                if isinstance(one.behind, PendingOrder)
                else definition.write(one.behind, view)
                for one in page
            ],
            included=self._included(definition.included, wanted.includes, facts),
            next_position=page[-1].position if more else None,
        )

    def _page(self, resource: ResourceType, wanted: Criteria, limit: int) -> list["_Row"]:
        """Rows in the order of pages; a ServiceRequest may be of a study that is not here yet."""
        rows = [
            _Row(facts, Position(facts.study.received_at, key))
            for facts, key in self._rows.page(resource, wanted, limit)
        ]
        if resource is not ResourceType.SERVICE_REQUEST:
            return rows
        rows += [
            _Row(order, Position(order.pull.created_at, order.pull.id))
            for order in self._pending.page(wanted, limit)
        ]
        rows.sort(key=lambda row: (row.position.received_at, row.position.row_id), reverse=True)
        return rows[:limit]

    def document(self, study_id: UUID) -> bytes:
        """The report as PDF. Raises ``NotFoundError``, ``ReportNotReadyError``."""
        draft = draft_report(self._session, self._caller.site_id, study_id, self._resources.cipher)
        self._session.commit()  # gives the connection back while pictures are fetched
        return render_pdf(draft.with_pictures(self._resources.store))

    def _with_readings(self, facts: Sequence[Facts]) -> View:
        readings = self._rows.readings(one.study.id for one in facts if one.study.reviewed_at is not None)
        readers = {reader for reading in readings.values() for reader in reading.reader_ids}
        names = UserRepository(self._session).names_of(readers)
        return replace(self._view, readings=readings, reader_names=names)

    def _included(
        self, leads: Mapping[str, ResourceType], includes: Iterable[str], facts: Sequence[Facts]
    ) -> list[Resource]:
        """What the matches refer to, each once; of types that the caller may not read, nothing."""
        written: list[Resource] = []
        for target in dict.fromkeys(leads[name] for name in includes):
            if not facts or not self._caller.allows(Permission(target, Interaction.READ)):
                continue
            ids = frozenset(_referred(target, one) for one in facts)
            rows = [one for one, _ in self._rows.page(target, Criteria(ids=ids), len(ids))]
            view = self._with_readings(rows)
            written += [RESOURCES[target].write(one, view) for one in rows]
        return written


def _referred(target: ResourceType, facts: Facts) -> str:
    """The id by which a match refers to a resource of another type."""
    match target:
        case ResourceType.PATIENT:
            return str(patient_id(facts.study))
        case ResourceType.IMAGING_STUDY:
            return str(facts.study.id)
        case ResourceType.DEVICE:
            return facts.prediction.model_sha256
        case _:
            return str(facts.result.job_id if facts.result else facts.row_id)
