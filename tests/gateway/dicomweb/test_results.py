"""Our results among what viewers find: made de-identified after the answer, made again when it changes."""

from io import BytesIO

import pydicom
from tests.canary import traces_in
from tests.gateway.answers import answered, decide
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files

from gateway.dicomweb.results import show_results
from ictus.domain.enums import Finding, Role

ROOT = "/api/v1/dicomweb"
SR = "1.2.840.10008.5.1.4.1.1.88.34"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MAP = "1.2.840.10008.5.1.4.1.1.30"


def test_results_are_found_and_retrieved_beside_their_study(installation: Installation) -> None:
    clinician = installation.add_person(Role.CLINICIAN)
    browser = clinician.sign_in()
    study_id, _ = answered(installation, browser, *dicom_files())
    assert len(browser.get(f"{ROOT}/instances").json()) == 3
    assert show_results(installation.resources, most=5) == 1
    assert show_results(installation.resources, most=5) == 0
    found = browser.get(f"{ROOT}/instances").json()
    (study,) = browser.get(f"{ROOT}/studies").json()
    assert study["00201208"]["Value"] == [len(found)]
    made = {one["00080016"]["Value"][0]: one["00081190"]["Value"][0] for one in found}
    assert {SR, CAPTURE, MAP} < set(made)
    for kind in (SR, CAPTURE, MAP):
        address = made[kind].removeprefix("http://testserver")
        content = browser.get(address, headers={"Accept": "application/dicom"}).content
        stored = pydicom.dcmread(BytesIO(content))
        assert stored.SOPClassUID == kind
        assert stored.StudyInstanceUID == study["0020000D"]["Value"][0]
        assert not traces_in(content, b"canary")
        (described,) = browser.get(f"{address}/metadata").json()
        pixels = {"7FE00010", "7FE00008"} & set(described)
        assert pixels == ({f"{int(max(stored.keys())):08X}"} if kind != SR else set())
        frame = browser.get(f"{address}/frames/1")
        assert frame.status_code == (406 if kind == SR else 200)
        assert browser.get(f"{address}/rendered").status_code == 404
    assert browser.get(f"{ROOT}/studies/{stored.StudyInstanceUID}/thumbnail").status_code == 200
    installation.clock.advance(minutes=1)
    decide(installation, clinician.site_id, study_id, Finding.STROKE)
    assert show_results(installation.resources, most=5) == 1
    assert len(browser.get(f"{ROOT}/instances").json()) == len(found)
