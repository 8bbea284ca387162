"""Searching and retrieving with a DICOMweb client, over a real HTTP server."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import numpy as np
import pydicom
import pytest
from dicomweb_client import DICOMwebClient
from fastapi.testclient import TestClient
from PIL import Image
from tests.gateway.installation import Installation
from tests.gateway.uploads import dicom_files, picture, upload
from tests.serving import served

from gateway.auth.models import Scope
from gateway.studies.models import Instance, Study
from ictus.domain.enums import Role

ROOT = "/api/v1/dicomweb"


@dataclass
class Archive:
    """A site with a stored study, and who reads it."""

    client: DICOMwebClient
    browser: TestClient
    study_uid: str
    stored: dict[str, bytes]
    """The stored files by SOPInstanceUID, in slice order."""

    @property
    def series_uid(self) -> str:
        return str(pydicom.dcmread(BytesIO(next(iter(self.stored.values())))).SeriesInstanceUID)

    def address(self, uid: str) -> str:
        return f"{ROOT}/studies/{self.study_uid}/series/{self.series_uid}/instances/{uid}"


@pytest.fixture
def archive(installation: Installation) -> Iterator[Archive]:
    writer = installation.add_person(Role.RADIOLOGIST)
    study = upload(writer.sign_in(), *dicom_files())
    upload(writer.sign_in(), picture())  # has no instances
    with installation.resources.sessions() as session:
        row = session.get_one(Study, study["id"])
        instances = session.query(Instance).order_by(Instance.object_key).all()
        stored = {
            one.sop_instance_uid: installation.resources.store.get_bytes(one.object_key) for one in instances
        }
    reader = installation.add_api_client(Scope.STUDIES_READ, site_id=writer.site_id)
    with served(installation.app) as url:
        headers = {"Authorization": reader.headers["Authorization"]}
        client = DICOMwebClient(f"{url}{ROOT}", headers=headers)
        client.set_http_retry_params(retry=False)
        yield Archive(client, reader, row.study_uid, stored)


def test_retrieved_instances_are_the_stored_files_byte_for_byte(archive: Archive) -> None:
    answer = archive.browser.get(
        f"{ROOT}/studies/{archive.study_uid}",
        headers={"Accept": 'multipart/related; type="application/dicom"'},
    )
    boundary = answer.headers["content-type"].split("boundary=")[1].encode()
    parts = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in answer.content.split(b"--" + boundary)[1:-1]]
    assert sorted(parts) == sorted(archive.stored.values())
    retrieved = archive.client.retrieve_study(archive.study_uid)
    assert {str(one.SOPInstanceUID) for one in retrieved} == set(archive.stored)
    uid, content = next(iter(archive.stored.items()))
    single = archive.browser.get(archive.address(uid), headers={"Accept": "application/dicom"})
    assert single.content == content


def test_studies_series_and_instances_are_found(archive: Archive) -> None:
    (study,) = archive.client.search_for_studies()
    assert study["0020000D"]["Value"] == [archive.study_uid]
    assert study["00080061"]["Value"] == ["CT"]
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([1], [3])
    assert study["00100010"] == {"vr": "PN"}
    (series,) = archive.client.search_for_series(archive.study_uid)
    assert (series["00080060"]["Value"], series["00201209"]["Value"]) == (["CT"], [3])
    instances = archive.client.search_for_instances(archive.study_uid, archive.series_uid)
    assert {one["00080018"]["Value"][0] for one in instances} == set(archive.stored)
    assert [one["00200013"]["Value"] for one in instances] == [[1], [2], [3]]


KEYS: list[tuple[dict[str, str], int]] = [
    ({"ModalitiesInStudy": "CT"}, 1),
    ({"00080061": "MR"}, 0),
    ({"ModalitiesInStudy": "MR,CT"}, 1),
    ({"DeidentificationMethod": "DICOM PS3.1?*"}, 1),
    ({"DeidentificationMethod": "dicom*"}, 0),
    ({"SeriesNumber": "1"}, 1),
    ({"SliceThickness": "5"}, 1),
    ({"SliceThickness": "4"}, 0),
    ({"PatientName": "Canary*"}, 0),
    ({"PatientName": "*"}, 1),
    ({"PatientID": ""}, 1),
    ({"PatientID": "REMOVED"}, 0),
    ({"StudyDate": "19000101-20991231"}, 0),
    ({"StudyInstanceUID": "1.2.3"}, 0),
]


def test_keys_match_what_is_stored_de_identified(archive: Archive) -> None:
    (study,) = archive.client.search_for_studies()
    patient = study["00100020"]["Value"][0]
    assert patient != "REMOVED", "who asks for a patient's other studies must not get everybody's"
    assert len(archive.client.search_for_studies(search_filters={"PatientID": patient})) == 1
    found = [len(archive.client.search_for_studies(search_filters=keys)) for keys, _ in KEYS]
    assert found == [expected for _, expected in KEYS]


def test_sender_finds_its_study_by_its_own_uids(archive: Archive) -> None:
    sent = pydicom.dcmread(BytesIO(dicom_files()[0]))
    (study,) = archive.client.search_for_studies(search_filters={"StudyInstanceUID": sent.StudyInstanceUID})
    assert study["0020000D"]["Value"] == [archive.study_uid]
    retrieved = archive.client.retrieve_instance(
        sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID
    )
    assert str(retrieved.SOPInstanceUID) in archive.stored


def test_pages_and_included_fields(archive: Archive) -> None:
    first = archive.browser.get(f"{ROOT}/instances", params={"limit": "2", "includefield": "KVP"})
    assert len(first.json()) == 2
    assert "offset" in first.headers["Warning"]
    assert first.json()[0]["00180060"]["Value"] == [120.0]
    rest = archive.browser.get(f"{ROOT}/instances", params={"limit": "2", "offset": "2"})
    assert len(rest.json()) == 1
    assert "Warning" not in rest.headers
    assert "00180060" not in rest.json()[0]
    everything = archive.browser.get(f"{ROOT}/instances", params={"includefield": "all"})
    assert "00180050" in everything.json()[0]
    assert archive.browser.get(f"{ROOT}/studies", params={"offset": "9"}).status_code == 204


def test_searches_that_cannot_be_are_refused(archive: Archive) -> None:
    for query in (
        "limit=-1",
        "limit=x",
        "NoSuchKeyword=1",
        "includefield=Nothing",
        "Rows=many",
        "-0100010=1",
        "PatientName=%00",
    ):
        answer = archive.browser.get(f"{ROOT}/studies?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "query_malformed"), query


def test_what_is_not_supported_is_said(archive: Archive) -> None:
    answer = archive.browser.get(f"{ROOT}/studies", params={"fuzzymatching": "true", "A.B": "x"})
    assert "fuzzymatching" in answer.headers["Warning"]
    assert "sequences" in answer.headers["Warning"]


def test_metadata_describes_every_instance_and_leads_to_its_pixels(archive: Archive) -> None:
    described = archive.client.retrieve_study_metadata(archive.study_uid)
    for one in described:
        stored = pydicom.dcmread(BytesIO(archive.stored[one["00080018"]["Value"][0]]))
        told = pydicom.Dataset.from_json(
            {tag: value for tag, value in one.items() if tag not in {"7FE00010", "00083002"}}
        )
        del stored.PixelData
        assert told == pydicom.Dataset(stored)
        assert one["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
        # The client's Host header lacks the port, so that the address is one of port 80.
        address = urlsplit(one["7FE00010"]["BulkDataURI"])
        bulk = archive.client.retrieve_bulkdata(archive.client.base_url.removesuffix(ROOT) + address.path)
        assert bulk[0] == pydicom.dcmread(BytesIO(archive.stored[stored.SOPInstanceUID])).PixelData


def test_frames_are_the_stored_pixels(archive: Archive) -> None:
    for uid, content in archive.stored.items():
        (frame,) = archive.client.retrieve_instance_frames(archive.study_uid, archive.series_uid, uid, [1])
        assert frame == pydicom.dcmread(BytesIO(content)).PixelData
    uid = next(iter(archive.stored))
    assert archive.browser.get(f"{archive.address(uid)}/frames/2").status_code == 404
    assert archive.browser.get(f"{archive.address(uid)}/frames/0").status_code == 404


def test_frames_are_given_as_viewers_ask_for_them(archive: Archive) -> None:
    uid = next(iter(archive.stored))
    wishes = {
        "multipart/related; type=application/octet-stream; transfer-syntax=*": 200,
        'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80': 406,
        "text/html": 406,
        "*/*": 200,
    }
    for accept, status in wishes.items():
        answer = archive.browser.get(f"{archive.address(uid)}/frames/1", headers={"Accept": accept})
        assert answer.status_code == status, accept
    other = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.90'
    assert archive.browser.get(archive.address(uid), headers={"Accept": other}).status_code == 406


def test_rendered_frames_show_the_window_that_was_asked_for(archive: Archive) -> None:
    uid, content = list(archive.stored.items())[1]
    png = archive.browser.get(
        f"{archive.address(uid)}/rendered", params={"window": "40,80,linear"}, headers={"Accept": "image/png"}
    )
    assert png.headers["content-type"] == "image/png"
    shown = np.asarray(Image.open(BytesIO(png.content)))
    values = pydicom.dcmread(BytesIO(content)).pixel_array.astype(float) - 1024
    expected = np.clip(np.rint((values - 0) / 79 * 255), 0, 255)
    assert np.abs(shown - expected).max() <= 1
    small = archive.browser.get(f"{archive.address(uid)}/rendered", params={"viewport": "32,100"})
    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(small.content)).size == (32, 32)
    bad = archive.browser.get(f"{archive.address(uid)}/rendered", params={"window": "40,0,linear"})
    assert bad.status_code == 400
    for strange in ({"viewport": "0001234567,5"}, {"viewport": "1,99999"}, {"accept": "\u2603;q=\u00e9"}):
        answer = archive.browser.get(f"{archive.address(uid)}/rendered", params=strange)
        assert answer.status_code in {400, 406}, strange
    thumbnail = archive.browser.get(f"{ROOT}/studies/{archive.study_uid}/thumbnail")
    assert Image.open(BytesIO(thumbnail.content)).size == (128, 128)


def test_another_sites_studies_do_not_exist(archive: Archive, installation: Installation) -> None:
    stranger = installation.add_api_client(Scope.STUDIES_READ)
    assert stranger.get(f"{ROOT}/studies").status_code == 204
    uid = next(iter(archive.stored))
    for address in (
        f"{ROOT}/studies/{archive.study_uid}",
        archive.address(uid),
        f"{archive.address(uid)}/frames/1",
    ):
        assert stranger.get(address).status_code == 404


def test_held_studies_are_not_given(archive: Archive, installation: Installation) -> None:
    with installation.resources.sessions.begin() as session:
        for study in session.query(Study):
            study.state = "held"
    assert archive.browser.get(f"{ROOT}/studies").status_code == 204
    assert archive.browser.get(f"{ROOT}/studies/{archive.study_uid}/metadata").status_code == 404


def test_key_without_the_scope_is_refused(installation: Installation) -> None:
    client = installation.add_api_client(Scope.REPORTS_READ)
    assert client.get(f"{ROOT}/studies").status_code == 403


def test_studies_older_than_the_index_are_indexed(archive: Archive, installation: Installation) -> None:
    from gateway.studies.instances import index_older_studies

    before = archive.client.retrieve_study_metadata(archive.study_uid)
    with installation.resources.sessions.begin() as session:
        session.query(Instance).delete()
        for study in session.query(Study):
            for series in study.series:
                series.indexed = series.source_format != "dicom"
    assert archive.browser.get(f"{ROOT}/studies").status_code == 204
    assert index_older_studies(installation.resources, most=10) == 1
    assert index_older_studies(installation.resources, most=10) == 0
    assert archive.client.retrieve_study_metadata(archive.study_uid) == before
    uid = next(iter(archive.stored))
    assert archive.browser.get(f"{archive.address(uid)}/rendered").status_code == 200
