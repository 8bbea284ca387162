"""Orthanc, a PACS that we did not write: results come back into the study that it holds."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from tests.interop.ward import BrokenPromiseError, Ward, dicom_study, wait_for
from tests.receivers import LOOPBACK, free_port

_PLUGINS: Final = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_RESULTS: Final = {
    "1.2.840.10008.5.1.4.1.1.88.34": "SR",
    "1.2.840.10008.5.1.4.1.1.7": "SC",
    "1.2.840.10008.5.1.4.1.1.30": "Parametric Map",
    "1.2.840.10008.5.1.4.1.1.104.1": "PDF",
}


def is_installed() -> bool:
    """Whether Debian's orthanc and orthanc-dicomweb are here."""
    return shutil.which("Orthanc", path="/usr/sbin:/usr/bin") is not None and _PLUGINS.exists()


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc."""

    http: httpx.Client
    dicom_port: int

    @property
    def dicomweb(self) -> str:
        """Its DICOMweb address."""
        return f"{str(self.http.base_url).rstrip('/')}/dicom-web"

    def store(self, files: list[bytes]) -> str:
        """Put a study into it; its StudyInstanceUID."""
        for one in files:
            answer = self.http.post("/instances", content=one).raise_for_status().json()
        study = self.http.get(f"/studies/{answer['ParentStudy']}").raise_for_status().json()
        return str(study["MainDicomTags"]["StudyInstanceUID"])

    def instances(self, study_uid: str) -> list[dict[str, Any]]:
        """Tags of every instance of a study."""
        query = {"Level": "Study", "Query": {"StudyInstanceUID": study_uid}}
        found: list[dict[str, Any]] = []
        for study in self.http.post("/tools/find", json=query).raise_for_status().json():
            for one in self.http.get(f"/studies/{study}/instances").raise_for_status().json():
                found.append(
                    self.http.get(f"/instances/{one['ID']}/simplified-tags").raise_for_status().json()
                )
        return found


@contextmanager
def running_orthanc() -> Iterator[Orthanc]:
    """Start an Orthanc of its own in a folder that is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="orthanc-"))
    http_port, dicom_port = free_port(), free_port()
    configuration = {
        "Name": "Interop",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(_PLUGINS)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/usr/sbin/Orthanc", str(folder / "orthanc.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    client = httpx.Client(base_url=f"http://{LOOPBACK}:{http_port}", timeout=60)
    try:
        wait_for(lambda: _answers(client), "Orthanc", 60)
        yield Orthanc(client, dicom_port)
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def results_come_back(ward: Ward, patience: float) -> str:
    """A series that Orthanc holds is analysed; SR, SC, map and PDF are then in its study, by C-STORE and by STOW-RS."""
    with running_orthanc() as orthanc:
        came = {}
        for number, described in enumerate(
            (
                {
                    "kind": "dicom_store",
                    "host": LOOPBACK,
                    "port": orthanc.dicom_port,
                    "remote_name": "ORTHANC",
                },
                {"kind": "stow", "url": orthanc.dicomweb},
            ),
            start=9001,
        ):
            destination = ward.add_destination(
                name=f"Orthanc {number}", content=["sr", "sc", "pm", "pdf"], **described
            )
            tested = (
                ward.admin.post(f"/api/v1/admin/destinations/{destination}/test").raise_for_status().json()
            )
            if not tested["reached"]:
                raise BrokenPromiseError(f"the test of {described['kind']} says: {tested['detail']}")
            files = dicom_study(number, slices=3, size=128)
            study_uid = orthanc.store(files)
            ward.send(*files)
            wait_for(
                lambda: [one["state"] for one in ward.deliveries(destination)] == ["delivered"],  # noqa: B023
                f"a delivery by {described['kind']}",
                patience,
            )
            held = orthanc.instances(study_uid)
            kinds = {_RESULTS.get(one["SOPClassUID"], "image") for one in held}
            missing = set(_RESULTS.values()) - kinds
            if missing or {one["PatientID"] for one in held} != {f"INTEROP-{number:04d}"}:
                raise BrokenPromiseError(
                    f"{described['kind']}: {', '.join(sorted(missing)) or 'the patient'} is missing"
                )
            came[described["kind"]] = len(held) - len(files)
            ward.admin.delete(f"/api/v1/admin/destinations/{destination}").raise_for_status()
    return ", ".join(f"{count} objects in Orthanc's study by {kind}" for kind, count in came.items())


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/system").is_success
    except httpx.TransportError:
        return False
