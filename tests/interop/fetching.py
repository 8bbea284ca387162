"""Studies that only Orthanc has: ordered through FHIR and through REST, fetched in three ways, answered into Orthanc."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pydicom
from tests.interop.orthanc import Orthanc, running_orthanc
from tests.interop.senders import let_in
from tests.interop.ward import BrokenPromiseError, Ward, dicom_study, wait_for
from tests.receivers import LOOPBACK

_FHIR = "/api/v1/fhir"
_SR = "1.2.840.10008.5.1.4.1.1.88.34"
_ENDED = {"completed", "failed", "cancelled"}

Order = Callable[[Ward, pydicom.Dataset, float], str]
"""Orders a study that is not here and waits for its answer; the study's id."""


def orders_are_fetched(ward: Ward, patience: float) -> str:
    """Each study is found, fetched and analysed, and its SR is then beside it in Orthanc; what is not there is said so."""
    let_in(ward, "ORTHANC")
    with running_orthanc() as orthanc:
        entity = {"AET": "ICTUS", "Host": LOOPBACK, "Port": ward.stack.ports["dimse"]}
        orthanc.http.put("/modalities/ictus", json=entity).raise_for_status()
        dimse = {"kind": "dimse", "host": LOOPBACK, "port": orthanc.dicom_port, "remote_name": "ORTHANC"}
        ways: dict[str, dict[str, object]] = {
            "C-MOVE": {**dimse, "retrieval": "move"},
            "C-GET": {**dimse, "retrieval": "get"},
            "WADO-RS": {"kind": "dicomweb", "url": orthanc.dicomweb},
        }
        destination = ward.add_destination(
            name="Orthanc",
            kind="dicom_store",
            host=LOOPBACK,
            port=orthanc.dicom_port,
            remote_name="ORTHANC",
            content=["sr"],
        )
        number = 9200
        for way, described in ways.items():
            source = _add_source(ward, way, described)
            for order in (_by_fhir, _by_rest):
                number += 1
                _fetch(ward, orthanc, number, order, patience)
            _refuse_what_is_not_there(ward, patience)
            ward.admin.delete(f"/api/v1/admin/sources/{source}").raise_for_status()
        ward.admin.delete(f"/api/v1/admin/destinations/{destination}").raise_for_status()
    return f"{number - 9200} studies by {', '.join(ways)}, each ordered by FHIR and REST, answered in Orthanc"


def _add_source(ward: Ward, name: str, described: dict[str, object]) -> str:
    entered = ward.admin.post("/api/v1/admin/sources", json={"name": name, **described}).raise_for_status()
    source = str(entered.json()["id"])
    tested = ward.admin.post(f"/api/v1/admin/sources/{source}/test").raise_for_status().json()
    if not tested["reached"]:
        raise BrokenPromiseError(f"the test of {name} says: {tested['detail']}")
    return source


def _fetch(ward: Ward, orthanc: Orthanc, number: int, order: Order, patience: float) -> None:
    files = dicom_study(number, slices=6, size=128)
    study_uid = orthanc.store(files)
    study = order(ward, pydicom.dcmread(BytesIO(files[0]), stop_before_pixels=True), patience)
    detail = ward.machine.get(f"/api/v1/studies/{study}").raise_for_status().json()
    slices = [one["slices"] for one in detail["series"]]
    if detail["state"] != "completed" or detail["priority"] != "STAT" or slices != [6]:
        raise BrokenPromiseError(f"study {number} is {detail['state']} with {slices} slices")
    wait_for(
        lambda: _SR in {one["SOPClassUID"] for one in orthanc.instances(study_uid)},
        f"the result of study {number} in Orthanc",
        patience,
    )


def _by_fhir(ward: Ward, scan: pydicom.Dataset, patience: float) -> str:
    """By accession number, as a ServiceRequest."""
    placed = _place(ward, {"type": {"coding": [{"code": "ACSN"}]}, "value": str(scan.AccessionNumber)})
    _wait_for_end(ward, placed, "completed", patience)
    observation = ward.machine.get(f"{_FHIR}/Observation/{placed}").raise_for_status().json()
    if observation["basedOn"] != [{"reference": f"ServiceRequest/{placed}"}]:
        raise BrokenPromiseError("the answer is not based on the order")
    return str(observation["derivedFrom"][0]["reference"].split("/")[1])


def _by_rest(ward: Ward, scan: pydicom.Dataset, patience: float) -> str:
    """By StudyInstanceUID, as a pull."""
    wish = {"study_instance_uid": str(scan.StudyInstanceUID), "priority": "STAT"}
    pull = ward.machine.post("/api/v1/studies/pull", json=wish).raise_for_status().json()
    address = f"/api/v1/studies/pulls/{pull['id']}"

    def told() -> dict[str, Any]:
        said: dict[str, Any] = ward.machine.get(address).raise_for_status().json()
        return said

    wait_for(lambda: told()["state"] in {"done", "failed"}, "a pull", patience)
    ended = told()
    if ended["state"] != "done" or ended["instances"] != 6:
        raise BrokenPromiseError(f"a pull {ended['state']}: {ended['reason']}")
    study = f"/api/v1/studies/{ended['study_id']}"
    wait_for(
        lambda: ward.machine.get(study).raise_for_status().json()["state"] in _ENDED, "an answer", patience
    )
    return str(ended["study_id"])


def _refuse_what_is_not_there(ward: Ward, patience: float) -> None:
    placed = _place(ward, {"type": {"coding": [{"code": "ACSN"}]}, "value": "NOT-THERE"})
    told = _wait_for_end(ward, placed, "revoked", patience)
    reason = told["extension"][0]["valueCodeableConcept"]["coding"][0]["code"]
    if reason != "not_in_archive":
        raise BrokenPromiseError(f"an order of nothing is revoked for {reason}")


def _place(ward: Ward, identifier: dict[str, object]) -> str:
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "priority": "stat",
        "subject": {"display": "-"},
        "supportingInfo": [{"identifier": identifier}],
    }
    placed = ward.machine.post(f"{_FHIR}/ServiceRequest", json=order)
    if placed.status_code != 201 or placed.json()["status"] != "active":
        raise BrokenPromiseError(f"an order is answered with {placed.status_code}: {placed.text[:300]}")
    return str(placed.json()["id"])


def _wait_for_end(ward: Ward, placed: str, status: str, patience: float) -> dict[str, Any]:
    def told() -> dict[str, Any]:
        said: dict[str, Any] = ward.machine.get(f"{_FHIR}/ServiceRequest/{placed}").raise_for_status().json()
        return said

    wait_for(lambda: told()["status"] != "active", "the end of an order", patience)
    ended = told()
    if ended["status"] != status:
        notes = "; ".join(note["text"] for note in ended.get("note", []))
        raise BrokenPromiseError(f"an order is {ended['status']}: {notes}")
    return ended
