"""Results go to systems that speak TLS, when a system shows a certificate of an authority that we trust."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from tests.certificates import Authority
from tests.gateway.answers import answered
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files
from tests.receivers import Archive, Hl7Receiver, listening_archive, listening_hl7

from gateway.deliveries.models import DeliveryState, DestinationKind
from gateway.dicom_objects.instances import SOP_CLASSES

from .conftest import Site


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.into(tmp_path)


def archive_of(authority: Authority) -> AbstractContextManager[Archive]:
    return listening_archive(*SOP_CLASSES.values(), tls=authority.server())


def receiver_of(authority: Authority) -> AbstractContextManager[Hl7Receiver]:
    return listening_hl7(tls=authority.server())


@pytest.fixture(params=[archive_of, receiver_of], ids=["dicom", "hl7"])
def port(request: pytest.FixtureRequest, authority: Authority) -> Iterator[int]:
    listens: Callable[[Authority], Any] = request.param
    with listens(authority) as listening:
        yield listening.port


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> DestinationKind:
    is_dicom = "dicom" in request.node.callspec.id
    return DestinationKind.DICOM_STORE if is_dicom else DestinationKind.HL7_MLLP


def not_delivered(site: Site, destination: UUID) -> bool:
    """It was tried once, and goes on waiting."""
    (delivery,) = site.deliveries(destination)
    waits = delivery.state in {DeliveryState.QUEUED, DeliveryState.RETRYING}
    return waits and (delivery.attempts, site.destination(destination).failures) == (1, 1)


def test_a_result_reaches_a_system_whose_authority_is_trusted(
    installation: Installation,
    browser: TestClient,
    site: Site,
    authority: Authority,
    kind: DestinationKind,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
    destination = site.add(kind, port=port, tls=True)
    answered(installation, browser, *dicom_files())
    assert site.run(destination) == 1
    assert site.deliveries(destination)[0].state is DeliveryState.DELIVERED


def test_a_system_that_nobody_we_trust_vouches_for_gets_nothing(
    installation: Installation, browser: TestClient, site: Site, kind: DestinationKind, port: int
) -> None:
    destination = site.add(kind, port=port, tls=True)
    answered(installation, browser, *dicom_files())
    assert site.run(destination) == 0
    assert not_delivered(site, destination)


def test_a_system_that_speaks_tls_gets_nothing_in_the_clear(
    installation: Installation, browser: TestClient, site: Site, kind: DestinationKind, port: int
) -> None:
    destination = site.add(kind, port=port)
    answered(installation, browser, *dicom_files())
    assert site.run(destination, seconds=5) == 0
    assert not_delivered(site, destination)
