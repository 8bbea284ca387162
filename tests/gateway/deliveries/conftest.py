"""An installation with destinations that really listen."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.gateway.installation import Installation, Person
from tests.receivers import (
    LOOPBACK,
    Archive,
    Hl7Receiver,
    HttpReceiver,
    listening_archive,
    listening_hl7,
    listening_http,
)

from gateway.deliveries.models import Delivery, Destination, DestinationKind
from gateway.deliveries.service import DeliveryPolicy, Lane
from gateway.dicom_objects.instances import SOP_CLASSES, ObjectKind
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role
from ictus.report import ReportStatus


@pytest.fixture
def settings(make_settings: Callable[..., GatewaySettings]) -> GatewaySettings:
    return make_settings(delivery_timeout_seconds=60)


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


@pytest.fixture
def archive() -> Iterator[Archive]:
    with listening_archive(*SOP_CLASSES.values()) as listening:
        yield listening


@pytest.fixture
def hl7() -> Iterator[Hl7Receiver]:
    with listening_hl7() as listening:
        yield listening


@pytest.fixture
def server() -> Iterator[HttpReceiver]:
    with listening_http() as listening:
        yield listening


class Site:
    """The destinations of the clinician's site, and what became of the deliveries to them."""

    def __init__(self, installation: Installation, site_id: UUID) -> None:
        self._installation = installation
        self._site_id = site_id

    def add(self, kind: DestinationKind, secret: str | None = None, **described: object) -> UUID:
        """Enter a destination that gets everything."""
        resources = self._installation.resources
        values: dict[str, object] = {
            "id": uuid4(),
            "site_id": self._site_id,
            "name": kind.value,
            "kind": kind,
            "enabled": True,
            "host": LOOPBACK,
            "tls": False,
            "own_name": "ICTUS",
            "remote_name": "PACS",
            "secret": resources.cipher.encrypt(secret) if secret else None,
            "content": [one.value for one in ObjectKind],
            "statuses": [one.value for one in ReportStatus],
            "created_at": self._installation.clock(),
            "created_by": uuid4(),
            "failures": 0,
        }
        destination = Destination(**values | described)
        with resources.sessions.begin() as session:
            session.add(destination)
        return destination.id

    def run(self, destination_id: UUID, **changes: Any) -> int:
        """Run the lane once, as a ring does; keywords change numbers of its policy."""
        resources = self._installation.resources
        policy = replace(DeliveryPolicy.of(resources.settings), **changes)
        return Lane(resources, destination_id, policy, chance=lambda: 0.0).run()

    def deliveries(self, destination_id: UUID) -> list[Delivery]:
        """What was queued for a destination, oldest first."""
        with self._installation.resources.sessions() as session:
            return list(
                session.scalars(
                    select(Delivery)
                    .where(Delivery.destination_id == destination_id)
                    .order_by(Delivery.created_at, Delivery.id)
                )
            )

    def destination(self, destination_id: UUID) -> Destination:
        """A destination as it is now."""
        with self._installation.resources.sessions() as session:
            return session.get_one(Destination, destination_id)


@pytest.fixture
def site(installation: Installation, clinician: Person) -> Site:
    return Site(installation, clinician.site_id)
