"""Systems that send us scans: dcmtk's tools, Orthanc by C-STORE and by STOW-RS, a DICOMweb client."""

import shutil
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pydicom
from dicomweb_client import DICOMwebClient
from tests.interop.orthanc import running_orthanc
from tests.interop.ward import BrokenPromiseError, Ward, dicom_study, wait_for

from local.ports import LOOPBACK

DICOMWEB: Final = "/api/v1/dicomweb"
_OURS: Final = "ICTUS"


def has_dcmtk() -> bool:
    """Whether Debian's dcmtk is here."""
    return shutil.which("storescu") is not None


def dcmtk_sends(ward: Ward, patience: float) -> str:
    """Echoscu is answered and storescu's study analysed, once it was let in; a stranger is refused."""
    files = dicom_study(9101, slices=5)
    port = str(ward.stack.ports["dimse"])
    call = ["--aetitle", "DCMTK", "--call", _OURS, LOOPBACK, port]
    if subprocess.run(["echoscu", *call], capture_output=True, check=False).returncode == 0:
        raise BrokenPromiseError("a stranger's C-ECHO is answered")
    let_in(ward, "DCMTK")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, content in enumerate(files):
            paths.append(str(Path(folder) / f"{number}.dcm"))
            Path(paths[-1]).write_bytes(content)
        for tool in (["echoscu", *call], ["storescu", *call, *paths]):
            ran = subprocess.run(tool, capture_output=True, text=True, check=False)
            if ran.returncode != 0:
                raise BrokenPromiseError(f"{tool[0]} says: {ran.stderr.strip()[-200:]}")
    wait_for_study(ward, files, patience)
    return f"{len(files)} instances by storescu are one study"


def orthanc_sends(ward: Ward, patience: float) -> str:
    """A series that Orthanc pushes by C-STORE, and one by STOW-RS in several requests, are one study each."""
    let_in(ward, "ORTHANC")
    with running_orthanc() as orthanc:
        entity = {"AET": _OURS, "Host": LOOPBACK, "Port": ward.stack.ports["dimse"]}
        orthanc.http.put("/modalities/ictus", json=entity).raise_for_status()
        server = {
            "Url": f"{ward.stack.url('gateway')}{DICOMWEB}",
            "HttpHeaders": {"Authorization": ward.machine.headers["Authorization"]},
        }
        orthanc.http.put("/dicom-web/servers/ictus", json=server).raise_for_status()
        for number, way in ((9102, "/modalities/ictus/store"), (9103, "/dicom-web/servers/ictus/stow")):
            files = dicom_study(number, slices=24, size=64)  # more than the ten of one of Orthanc's requests
            orthanc.store(files)
            (study,) = orthanc.http.post(
                "/tools/find", json={"Level": "Study", "Query": {"PatientID": f"INTEROP-{number}"}}
            ).json()
            wish: Any = study if way.startswith("/modalities") else {"Resources": [study]}
            orthanc.http.post(way, json=wish, timeout=patience).raise_for_status()
            wait_for_study(ward, files, patience)
    return "24 instances by C-STORE and 24 by STOW-RS from Orthanc are one study each"


def client_goes_round(ward: Ward, patience: float) -> str:
    """What dicomweb-client stores, it finds, and gets back as it is stored, byte for byte."""
    client = DICOMwebClient(
        f"{ward.stack.url('gateway')}{DICOMWEB}",
        headers={"Authorization": ward.machine.headers["Authorization"]},
    )
    files = dicom_study(9104, slices=6)
    sent = [pydicom.dcmread(BytesIO(one)) for one in files]
    answer = client.store_instances(sent)
    if "FailedSOPSequence" in answer or len(answer.ReferencedSOPSequence) != len(files):
        raise BrokenPromiseError("not all instances were taken")
    study_uid = wait_for_study(ward, files, patience)
    (series,) = client.search_for_series(study_uid)
    series_uid = series["0020000E"]["Value"][0]
    equal = 0
    for one in client.search_for_instances(study_uid, series_uid):
        uid = one["00080018"]["Value"][0]
        there = f"{DICOMWEB}/studies/{study_uid}/series/{series_uid}/instances/{uid}"
        single = ward.machine.get(there, headers={"Accept": "application/dicom"}).raise_for_status().content
        related = ward.machine.get(
            there, headers={"Accept": 'multipart/related; type="application/dicom"'}
        ).raise_for_status()
        if single not in related.content:
            raise BrokenPromiseError("an instance is not the same in both forms")
        stored = pydicom.dcmread(BytesIO(single))
        (frame,) = client.retrieve_instance_frames(study_uid, series_uid, uid, [1])
        was = next(instance for instance in sent if instance.InstanceNumber == stored.InstanceNumber)
        equal += frame == stored.PixelData == was.PixelData
        if str(stored.PatientID).startswith("INTEROP") or stored.PatientName:
            raise BrokenPromiseError("an instance names the patient")
    if equal != len(files):
        raise BrokenPromiseError(f"{equal} of {len(files)} instances came back with their pixels")
    return f"{equal} instances by dicomweb-client and back"


def let_in(ward: Ward, title: str) -> None:
    """Let an application entity send for the ward's site, unless it may already."""
    (site,) = ward.admin.get("/api/v1/admin/sites").raise_for_status().json()
    peer = {"ae_title": title, "site_id": site["id"]}
    entered = ward.admin.post("/api/v1/admin/dicom-peers", json=peer)
    if entered.status_code != 409:
        entered.raise_for_status()


def wait_for_study(ward: Ward, files: list[bytes], patience: float) -> str:
    """Wait for the study of the files, which must be one of the worklist; its StudyInstanceUID with us."""
    sent = pydicom.dcmread(BytesIO(files[0]), stop_before_pixels=True)
    query = {"StudyInstanceUID": str(sent.StudyInstanceUID)}

    def found() -> list[dict[str, Any]]:
        answer = ward.machine.get(f"{DICOMWEB}/studies", params=query).raise_for_status()
        studies: list[dict[str, Any]] = answer.json() if answer.content else []
        return studies

    wait_for(lambda: bool(found()), "the study that was sent", patience)
    (study,) = found()
    held = study["00201208"]["Value"][0]
    if held != len(files):
        raise BrokenPromiseError(f"{held} of {len(files)} instances are there")
    listed = ward.machine.post("/api/v1/studies/search", json={"text": str(sent.AccessionNumber)})
    if len(listed.raise_for_status().json()["items"]) != 1:
        raise BrokenPromiseError("the study is not one of the worklist")
    return str(study["0020000D"]["Value"][0])
