"""Results as HL7 messages: what they say, and what an acknowledgement proves."""

import base64
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hl7apy.core import Message
from tests.gateway.answers import answered, decide
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files
from tests.receivers import Hl7Receiver

from gateway.deliveries.models import DeliveryState, DestinationKind
from ictus.domain.enums import Finding

from .conftest import Site

HL7 = DestinationKind.HL7_MLLP


def observations(message: Message) -> list[list[str]]:
    """OBX-3.2, OBX-4, OBX-5 and OBX-11 of each."""
    lines = message.to_er7().split("\r")
    fields = [line.split("|") for line in lines if line.startswith("OBX")]
    return [[one[3].split("^")[1], one[4], one[5], one[11]] for one in fields]


def test_a_result_is_sent_as_oru_r01(
    installation: Installation, browser: TestClient, site: Site, hl7: Hl7Receiver
) -> None:
    his = site.add(HL7, port=hl7.port, remote_name="HIS")
    answered(installation, browser, *dicom_files())
    assert site.run(his) == 1
    assert site.deliveries(his)[0].proof == "MSA-1 AA"
    (message,) = hl7.messages
    segments = [line[:3] for line in hl7.raw[0].split("\r")]
    assert segments[:5] == ["MSH", "PID", "PV1", "ORC", "OBR"]
    assert set(segments[5:]) == {"OBX"}
    assert message.msh.msh_18.value == "UNICODE UTF-8"
    assert (message.msh.msh_9.value, message.msh.msh_5.value) == ("ORU^R01^ORU_R01", "HIS")
    pid = next(line for line in hl7.raw[0].split("\r") if line.startswith("PID")).split("|")
    assert (pid[3], pid[5], pid[7]) == ("CANARY-4711", "Canary^Identity", "19500615")
    said = observations(message)
    assert ["Cerebrovascular Accident or Stroke", "model", "52101004^Present^SCT", "P"] in said
    assert ["Probability", "model", "0.9", "P"] in said
    document = hl7.raw[0].rpartition("|ICTUS^application^pdf^Base64^")[2].partition("|")[0]
    assert base64.b64decode(document).startswith(b"%PDF-")
    obr = next(line for line in hl7.raw[0].split("\r") if line.startswith("OBR")).split("|")
    assert (obr[4], obr[25]) == ("24725-4^CT Head^LN", "P")


def test_a_corrected_report_says_so_and_what_readers_found_comes_first(
    installation: Installation, browser: TestClient, clinician: Person, site: Site, hl7: Hl7Receiver
) -> None:
    his = site.add(HL7, port=hl7.port, statuses=["final", "corrected"], content=[])
    study_id, _ = answered(installation, browser, *dicom_files())
    assert site.run(his) == 0
    decide(installation, clinician.site_id, study_id, Finding.NORMAL)
    assert site.run(his) == 1
    said = observations(hl7.messages[0])
    assert said[0] == ["Cerebrovascular Accident or Stroke", "readers", "272519000^Absent^SCT", "C"]
    assert {status for *_, status in said} == {"C"}
    assert "pdf" not in hl7.raw[0]


def test_what_separates_fields_is_escaped() -> None:
    from gateway.hl7.message import _plain

    assert _plain("a|b^c&d~e\\f\r\ng") == "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\.br\\g"


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("CA", DeliveryState.DELIVERED),
        ("AE", DeliveryState.RETRYING),
        ("CE", DeliveryState.RETRYING),
        ("AR", DeliveryState.DEAD),
        ("CR", DeliveryState.DEAD),
        ("XX", DeliveryState.RETRYING),
    ],
)
def test_only_aa_and_ca_are_sent(
    installation: Installation,
    browser: TestClient,
    site: Site,
    hl7: Hl7Receiver,
    code: str,
    state: DeliveryState,
) -> None:
    his = site.add(HL7, port=hl7.port, content=[])
    answered(installation, browser, *dicom_files())
    hl7.answers = [code]
    site.run(his)
    (delivery,) = site.deliveries(his)
    assert delivery.state is state
    assert (delivery.delivered_at is not None) is (state is DeliveryState.DELIVERED)


def test_the_acknowledgement_of_another_message_proves_nothing_and_a_resend_has_the_same_id(
    installation: Installation, browser: TestClient, site: Site, hl7: Hl7Receiver
) -> None:
    his = site.add(HL7, port=hl7.port, content=[])
    answered(installation, browser, *dicom_files())
    hl7.echoes = str(UUID(int=7))
    assert site.run(his) == 0
    assert "another message" in (site.deliveries(his)[0].last_error or "")
    hl7.echoes = None
    installation.clock.advance(seconds=5)
    assert site.run(his) == 1
    assert hl7.raw[0] == hl7.raw[1]


def test_a_receiver_that_says_nothing_is_not_waited_for_for_ever(
    installation: Installation, browser: TestClient, site: Site, hl7: Hl7Receiver
) -> None:
    his = site.add(HL7, port=hl7.port, content=[])
    answered(installation, browser, *dicom_files())
    hl7.is_silent = True
    assert site.run(his, seconds=0.2) == 0
    assert site.deliveries(his)[0].state is DeliveryState.RETRYING
    assert site.destination(his).failures == 1
