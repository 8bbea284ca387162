"""One study of each disposition and each state of its review, as FHIR tells it: the files in ``golden``.

``ICTUS_WRITE_GOLDEN=1 pytest tests/gateway/fhir/test_golden.py`` writes them again; read the difference.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy.orm import Session
from tests.gateway.fhir.conftest import FHIR, Site

from gateway.auth.permissions import ResourceType
from gateway.studies.models import Study
from ictus.domain.enums import Disposition, Finding, HaemorrhageSubtype

GOLDEN = Path(__file__).parent / "golden"

Case = Callable[[Site], tuple[UUID, UUID]]


def _preliminary(disposition: Disposition, finding: Finding | None) -> Case:
    return lambda site: site.answered(disposition, finding)


def _reviewed(
    disposition: Disposition,
    finding: Finding | None,
    found: Finding | None,
    subtype: HaemorrhageSubtype | None = None,
) -> Case:
    def case(site: Site) -> tuple[UUID, UUID]:
        study_id, job_id = site.answered(disposition, finding)
        site.decide(study_id, found, subtype)
        return study_id, job_id

    return case


CASES: dict[str, Case] = {
    "confident-stroke": _preliminary(Disposition.CONFIDENT, Finding.STROKE),
    "confident-normal": _preliminary(Disposition.CONFIDENT, Finding.NORMAL),
    "uncertain": _preliminary(Disposition.UNCERTAIN, Finding.STROKE),
    "unsuitable": _preliminary(Disposition.UNSUITABLE, None),
    "not-validated": _preliminary(Disposition.NOT_VALIDATED, None),
    "confirmed-stroke": _reviewed(
        Disposition.CONFIDENT, Finding.STROKE, Finding.STROKE, HaemorrhageSubtype.SUBDURAL
    ),
    "corrected-to-normal": _reviewed(Disposition.CONFIDENT, Finding.STROKE, Finding.NORMAL),
    "corrected-to-stroke": _reviewed(Disposition.CONFIDENT, Finding.NORMAL, Finding.STROKE),
    "uncertain-then-read": _reviewed(Disposition.UNCERTAIN, Finding.STROKE, Finding.STROKE),
    "readers-cannot-tell": _reviewed(Disposition.UNCERTAIN, Finding.NORMAL, None),
}


def _read(browser: TestClient, resource: str, resource_id: object) -> dict[str, Any]:
    answer = browser.get(f"{FHIR}/{resource}/{resource_id}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    told: dict[str, Any] = answer.json()
    get_fhir_model_class(resource).model_validate(told)
    return told


@pytest.mark.parametrize("name", CASES)
def test_study_is_told_as_the_golden_file_has_it(site: Site, db: Session, name: str) -> None:
    study_id, job_id = CASES[name](site)
    study = db.get_one(Study, study_id)
    browser = site.browser()
    names = {
        str(study_id): "(study)",
        str(job_id): "(job)",
        str(study.patient_ref): "(patient)",
        str(site.site_id): "(site)",
        study.study_uid: "(study-uid)",
        study.series[0].series_uid: "(series-uid)",
    }
    ids = {
        ResourceType.PATIENT: study.patient_ref,
        ResourceType.IMAGING_STUDY: study_id,
        ResourceType.DIAGNOSTIC_REPORT: study_id,
        ResourceType.DEVICE: "0" * 64,
    }
    resources = [_read(browser, one, ids.get(one, job_id)) for one in ResourceType]

    report = next(one for one in resources if one["resourceType"] == "DiagnosticReport")
    (form,) = report["presentedForm"]
    assert form.pop("size") > 1000
    assert form.pop("hash").endswith("=")
    for reader in report.get("resultsInterpreter", ()):
        names[reader["identifier"]["value"].removeprefix("urn:uuid:")] = "(reader)"
    report["performer"][0]["display"] = "(site name)"

    told = json.dumps(resources, indent=2, ensure_ascii=False) + "\n"
    for value, placeholder in names.items():
        told = told.replace(value, placeholder)
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("ICTUS_WRITE_GOLDEN"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")
