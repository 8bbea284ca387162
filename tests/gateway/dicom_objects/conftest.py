"""Results as DICOM objects, built as a destination or a viewer gets them."""

from collections.abc import Callable
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pydicom.dataset import Dataset
from tests.gateway.installation import Installation, Person

from gateway.dicom_objects.building import ResultObjects
from gateway.dicom_objects.instances import ObjectKind
from gateway.dicom_objects.origin import Origin, read_origin
from gateway.studies.models import Study
from ictus.domain.enums import Role

Objects = dict[ObjectKind, list[Dataset]]
PDF = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


@pytest.fixture
def origin_of(installation: Installation) -> Callable[..., Origin]:
    """Read a study's result as it is for a destination, or de-identified."""

    def read(study_id: str, *, identified: bool = True) -> Origin:
        resources = installation.resources
        key = resources.settings.uid_key.get_secret_value().encode()
        with resources.sessions() as session:
            study = session.get_one(Study, UUID(study_id))
            origin = read_origin(session, study, key, resources.cipher if identified else None)
        assert origin is not None
        return origin

    return read


@pytest.fixture
def objects_of(installation: Installation, origin_of: Callable[..., Origin]) -> Callable[..., Objects]:
    """Build all objects of a study's result."""

    def build(study_id: str, *, identified: bool = True) -> Objects:
        origin = origin_of(study_id, identified=identified)
        objects = ResultObjects(origin, installation.resources.store, PDF)
        found: Objects = {}
        for instance in origin.instances():
            found.setdefault(instance.kind, []).append(objects.build(instance))
        return found

    return build
