"""What a hospital's archive gets, and what our own viewers get."""

import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from fastapi.testclient import TestClient
from pydicom.dataset import Dataset
from tests.gateway.answers import answered, decide, overlay
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, picture

from gateway.dicom_objects.errors import NoSourceStudyError
from gateway.dicom_objects.instances import ObjectKind
from gateway.dicom_objects.origin import Origin
from ictus.domain.enums import Disposition, Finding

from .conftest import Objects

SR, PM, SC, PDF = (
    ObjectKind.STRUCTURED_REPORT,
    ObjectKind.PARAMETRIC_MAP,
    ObjectKind.SECONDARY_CAPTURE,
    ObjectKind.PDF,
)
Build = Callable[..., Objects]


def sent() -> list[Dataset]:
    return [pydicom.dcmread(BytesIO(one)) for one in dicom_files()]


def flat(objects: Objects) -> list[Dataset]:
    return [one for built in objects.values() for one in built]


def codes_of(report: Dataset) -> dict[str, list[str]]:
    """Meanings of coded values by the meaning of their names, wherever they stand in the tree."""
    found: dict[str, list[str]] = {}

    def walk(items: list[Dataset]) -> None:
        for item in items:
            name = item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
            if item.ValueType == "CODE":
                found.setdefault(name, []).append(item.ConceptCodeSequence[0].CodeMeaning)
            if item.ValueType == "NUM":
                found.setdefault(name, []).append(str(item.MeasuredValueSequence[0].NumericValue))
            if item.ValueType in {"TEXT", "UIDREF"}:
                found.setdefault(name, []).append(item.get("TextValue") or item.UID)
            walk(item.get("ContentSequence", []))

    walk(report.ContentSequence)
    return found


def test_the_objects_belong_to_the_senders_study(
    installation: Installation, browser: TestClient, objects_of: Build
) -> None:
    study_id, _ = answered(installation, browser, *dicom_files())
    objects, first = objects_of(study_id), sent()[0]
    assert {kind: len(built) for kind, built in objects.items()} == {SR: 1, PM: 1, SC: 1, PDF: 1}
    for built in flat(objects):
        assert built.StudyInstanceUID == first.StudyInstanceUID
        assert (built.PatientName, built.PatientID) == (first.PatientName, first.PatientID)
        assert (built.StudyDate, built.AccessionNumber) == (first.StudyDate, first.AccessionNumber)
        assert "PatientIdentityRemoved" not in built
        assert built.SeriesInstanceUID != first.SeriesInstanceUID


def test_evidence_names_the_senders_instances(
    installation: Installation, browser: TestClient, objects_of: Build
) -> None:
    objects = objects_of(answered(installation, browser, *dicom_files())[0])
    originals = {one.SOPInstanceUID for one in sent()}
    (evidence,) = objects[SR][0].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert evidence.SeriesInstanceUID == sent()[0].SeriesInstanceUID
    assert {one.ReferencedSOPInstanceUID for one in evidence.ReferencedSOPSequence} == originals
    assert {one.ReferencedSOPInstanceUID for one in objects[PDF][0].SourceInstanceSequence} == originals
    assert objects[SC][0].SourceImageSequence[0].ReferencedSOPInstanceUID == sent()[0].SOPInstanceUID
    assert objects[PM][0].FrameOfReferenceUID == sent()[0].FrameOfReferenceUID


def test_the_report_says_what_the_model_found_and_what_it_did_not_look_for(
    installation: Installation, browser: TestClient, objects_of: Build
) -> None:
    study_id, _ = answered(installation, browser, *dicom_files())
    (report,) = objects_of(study_id)[SR]
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert report.ConceptNameCodeSequence[0].CodeValue == "126000"
    said = codes_of(report)
    assert said["Cerebrovascular Accident or Stroke"] == ["Present"]
    assert said["Probability"] == ["0.9"]
    assert said["Algorithm Version"] == ["7", "7"]
    assert "Signs of intracranial haemorrhage." in said["Comment"][0]


@pytest.mark.parametrize(
    ("looked_for", "stroke", "haemorrhage"),
    [
        ("stroke", "Absent", None),
        ("intracranial haemorrhage", "Undetermined", "Absent"),
        ("x", "Undetermined", None),
    ],
)
def test_no_stroke_is_claimed_absent_that_was_not_looked_for(
    looked_for: str, stroke: str, haemorrhage: str | None
) -> None:
    from gateway.dicom_objects.codes import statements

    said = {one.of.meaning: one.value.meaning for one in statements(Finding.NORMAL, looked_for)}
    assert said["Cerebrovascular Accident or Stroke"] == stroke
    assert said.get("Intracranial hemorrhage") == haemorrhage


@pytest.mark.parametrize("disposition", [d for d in Disposition if d is not Disposition.CONFIDENT])
def test_what_is_not_confident_is_undetermined(
    installation: Installation, browser: TestClient, objects_of: Build, disposition: Disposition
) -> None:
    finding = Finding.STROKE if disposition is Disposition.UNCERTAIN else None
    study_id, _ = answered(installation, browser, *dicom_files(), disposition=disposition, finding=finding)
    objects = objects_of(study_id)
    said = codes_of(objects[SR][0])
    assert said["Cerebrovascular Accident or Stroke"] == ["Undetermined"]
    explained = disposition is Disposition.UNCERTAIN
    assert ("Probability" in said, PM in objects, SC in objects) == (explained, explained, explained)


def test_a_readers_verdict_makes_another_verified_report_of_the_same_series(
    installation: Installation, browser: TestClient, clinician: Person, objects_of: Build
) -> None:
    study_id, _ = answered(installation, browser, *dicom_files())
    before = objects_of(study_id)
    decide(installation, clinician.site_id, study_id, Finding.NORMAL)
    after = objects_of(study_id)
    report = after[SR][0]
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("VERIFIED", "FINAL")
    assert report.VerifyingObserverSequence[0].VerifyingObserverName == "Test Person^"
    assert codes_of(report)["Cerebrovascular Accident or Stroke"] == ["Present", "Absent"]
    for kind in (SR, PDF):
        assert after[kind][0].SeriesInstanceUID == before[kind][0].SeriesInstanceUID
        assert after[kind][0].SOPInstanceUID != before[kind][0].SOPInstanceUID
    for kind in (SC, PM):
        assert after[kind][0] == before[kind][0]


def test_built_again_it_is_the_same_object(
    installation: Installation, browser: TestClient, objects_of: Build
) -> None:
    study_id, _ = answered(installation, browser, *dicom_files())
    first = objects_of(study_id)
    installation.clock.advance(days=3)
    assert [as_bytes(one) for one in flat(objects_of(study_id))] == [as_bytes(one) for one in flat(first)]


def test_the_map_lies_upon_the_slices_as_they_were_sent(
    installation: Installation, browser: TestClient, objects_of: Build
) -> None:
    turned = [pydicom.dcmread(BytesIO(one)) for one in dicom_files()]
    for instance in turned:  # as a scanner sends it whose patient lies head first, prone
        instance.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
    study_id, _ = answered(installation, browser, *map(as_bytes, turned))
    (map_,) = objects_of(study_id)[PM]
    frames = map_.pixel_array
    shown = _levels(turned[0].Rows, turned[0].Columns)
    assert frames.shape == (3, turned[0].Rows, turned[0].Columns)
    assert (frames[0] == shown[::-1, ::-1]).all()
    assert map_.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient == [
        -1,
        0,
        0,
        0,
        -1,
        0,
    ]
    positions = {
        tuple(one.PlanePositionSequence[0].ImagePositionPatient)
        for one in map_.PerFrameFunctionalGroupsSequence
    }
    assert positions == {tuple(one.ImagePositionPatient) for one in turned}
    (mapping,) = map_.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.RealWorldValueSlope == pytest.approx(1 / 31)


def _levels(rows: int, columns: int) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(BytesIO(overlay(rows, columns))))


def test_beside_the_de_identified_study_they_refer_to_its_instances_and_name_nobody(
    installation: Installation, browser: TestClient, clinician: Person, objects_of: Build
) -> None:
    study_id, _ = answered(installation, browser, *dicom_files())
    decide(installation, clinician.site_id, study_id, Finding.STROKE)
    objects, identified = objects_of(study_id, identified=False), objects_of(study_id)
    assert set(objects) == {SR, PM, SC}
    store = installation.resources.store
    stored = [
        pydicom.dcmread(BytesIO(store.get_bytes(key)), stop_before_pixels=True)
        for key in store.keys(f"studies/{study_id}/series/")
        if key.endswith(".dcm")
    ]
    (evidence,) = objects[SR][0].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in evidence.ReferencedSOPSequence} == {
        one.SOPInstanceUID for one in stored
    }
    uids = {one.SOPInstanceUID for one in flat(identified)}
    for built in flat(objects):
        assert built.StudyInstanceUID == stored[0].StudyInstanceUID
        assert built.SOPInstanceUID not in uids
        content = as_bytes(built)
        for canary in (
            b"Canary",
            b"CANARY",
            b"Test Person",
            sent()[0].StudyInstanceUID.encode(),
            b"20260102",
        ):
            assert canary not in content


def test_a_scan_that_did_not_come_as_dicom_has_no_study_to_belong_to(
    installation: Installation, browser: TestClient, origin_of: Callable[..., Origin]
) -> None:
    study_id, _ = answered(installation, browser, picture(), modality="CT")
    for identified in (True, False):
        with pytest.raises(NoSourceStudyError):
            origin_of(study_id, identified=identified)


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.parametrize("reviewed", [True, False])
def test_dciodvfy_finds_no_error(
    installation: Installation,
    browser: TestClient,
    clinician: Person,
    objects_of: Build,
    tmp_path: Path,
    identified: bool,
    reviewed: bool,
) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    study_id, _ = answered(installation, browser, *dicom_files())
    if reviewed:
        decide(installation, clinician.site_id, study_id, Finding.NORMAL)
    said = {}
    for kind, built in objects_of(study_id, identified=identified).items():
        path = tmp_path / f"{kind}.dcm"
        path.write_bytes(as_bytes(built[0]))
        done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)
        said[kind] = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    assert said == {kind: [] for kind in said}


def as_bytes(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
