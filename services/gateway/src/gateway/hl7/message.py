"""A result as ORU^R01 (HL7 v2.5.1 chapter 7), built and validated by hl7apy.

MSH, PID, PV1, ORC, OBR, then OBX: stroke (coded), what the model looked for (coded), probability, disposition, comment,
model version, Study Instance UID, the readers' verdict once there is one, and the report as PDF (ED).
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message, Segment

from gateway.dicom_objects import codes
from gateway.dicom_objects.instances import is_explained
from gateway.dicom_objects.origin import Origin
from ictus.domain.enums import Disposition
from ictus.imaging.intake import PatientIdentity
from ictus.report import ReportStatus

VERSION: Final = "2.5.1"
_STATUS: Final = {ReportStatus.PRELIMINARY: "P", ReportStatus.FINAL: "F", ReportStatus.CORRECTED: "C"}
"""Tables 0085 (OBX-11) and 0123 (OBR-25)."""
_SEXES: Final = frozenset({"M", "F", "O", "U", "A", "N"})
"""Table 0001."""
_ESCAPES: Final = {
    "\\": "\\E\\",
    "|": "\\F\\",
    "^": "\\S\\",
    "&": "\\T\\",
    "~": "\\R\\",
    "\r": "",
    "\n": "\\.br\\",
}
"""HL7 v2.5.1, 2.7: what separates fields may not stand in them."""
_SYSTEMS: Final = {"SCT": "SCT", "LN": "LN", "DCM": "DCM", "UCUM": "UCUM"}
"""Coding systems of table 0396."""
_DOCUMENT: Final = "DOCUMENT-IN-BASE64"
"""Stands for the document while the message is validated: hl7apy takes ED-5 for a text of at most 199 characters."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Who speaks to whom: MSH-3 and MSH-4, MSH-5."""

    sending_application: str
    sending_facility: str
    receiving_application: str


@dataclass(frozen=True, slots=True)
class _Observation:
    kind: str
    code: codes.Code
    value: str
    sub_id: str = ""
    unit: codes.Code | None = None


def control_id(message_id: object) -> str:
    """MSH-10: at most 20 characters, the same however often the message is sent."""
    return str(message_id).replace("-", "")[:20]


def result_message(origin: Origin, ends: Endpoints, control: str, pdf: bytes | None) -> bytes:
    """The message in UTF-8, with segments ended by carriage returns.

    Args:
        origin: the result in the sender's study.
        ends: who speaks to whom.
        control: MSH-10.
        pdf: the report, to go along.

    Raises:
        hl7apy.exceptions.ValidationError: the message breaks the standard: an error of this program.
    """
    identity = origin.subject.identity
    if identity is None:
        raise ValueError("an HL7 message is about a patient")
    message = Message("ORU_R01", version=VERSION, validation_level=VALIDATION_LEVEL.STRICT)
    _header(message.msh, origin, ends, control)
    result = message.add_group("ORU_R01_PATIENT_RESULT")
    patient = result.add_group("ORU_R01_PATIENT")
    _patient(patient.add_segment("PID"), identity)
    _set(patient.add_group("ORU_R01_VISIT").add_segment("PV1"), pv1_2="U")
    order = result.add_group("ORU_R01_ORDER_OBSERVATION")
    filler = _joined(str(origin.job_id), ends.sending_application)
    _set(order.add_segment("ORC"), orc_1="RE", orc_2=_plain(identity.accession_number), orc_3=filler)
    _order(order.add_segment("OBR"), origin, identity, filler)
    for number, one in enumerate(_observations(origin, ends, has_pdf=pdf is not None), 1):
        segment = order.add_group("ORU_R01_OBSERVATION").add_segment("OBX")
        _set(
            segment,
            obx_1=str(number),
            obx_2=one.kind,
            obx_3=_coded(one.code),
            obx_4=_plain(one.sub_id),
            obx_5=one.value,
            obx_6=_coded(one.unit) if one.unit else "",
            obx_11=_STATUS[origin.status],
            obx_14=_moment(origin.written_at),
        )
    message.validate()
    built = str(message.to_er7())
    if pdf is not None:
        built = built.replace(_DOCUMENT, base64.b64encode(pdf).decode())
    return built.encode()


def _header(segment: Segment, origin: Origin, ends: Endpoints, control: str) -> None:
    _set(
        segment,
        msh_3=_plain(ends.sending_application),
        msh_4=_plain(ends.sending_facility),
        msh_5=_plain(ends.receiving_application),
        msh_7=_moment(origin.written_at),
        msh_9="ORU^R01^ORU_R01",
        msh_10=control,
        msh_11="P",
        msh_12=VERSION,
        msh_18="UNICODE UTF-8",
    )


def _patient(segment: Segment, identity: PatientIdentity) -> None:
    family, given, middle, prefix, suffix, *_ = (
        *(identity.patient_name or "").split("=")[0].split("^"),
        *[""] * 5,
    )
    sex = (identity.sex or "").upper()
    _set(
        segment,
        pid_1="1",
        pid_3=_joined(identity.patient_id, "", "", identity.issuer_of_patient_id),
        pid_5=_joined(family, given, middle, suffix, prefix),
        pid_7=_date(identity.birth_date),
        pid_8=sex if sex in _SEXES else "U",
    )


def _order(segment: Segment, origin: Origin, identity: PatientIdentity, filler: str) -> None:
    scanned = _date(identity.study_date)
    time = (identity.study_time or "")[:6]
    _set(
        segment,
        obr_1="1",
        obr_2=_plain(identity.accession_number),
        obr_3=filler,
        obr_4=_coded(codes.PROCEDURES[origin.modality]),
        obr_7=scanned + (time if scanned and time.isdecimal() else ""),
        obr_18=_plain(identity.accession_number),
        obr_22=_moment(origin.written_at),
        obr_25=_STATUS[origin.status],
    )


def _observations(origin: Origin, ends: Endpoints, *, has_pdf: bool) -> Iterator[_Observation]:
    prediction, reading = origin.prediction, origin.reading
    if reading is not None:
        for said in codes.statements(reading.finding, "stroke"):
            yield _Observation("CWE", said.of, _coded(said.value), "readers")
    finding = prediction.finding if prediction.disposition is Disposition.CONFIDENT else None
    for said in codes.statements(finding, prediction.looked_for):
        yield _Observation("CWE", said.of, _coded(said.value), "model")
    if is_explained(prediction) and prediction.stroke_probability is not None:
        value = f"{prediction.stroke_probability:.6g}"
        yield _Observation("NM", codes.PROBABILITY, value, "model", codes.NO_UNITS)
    yield _Observation("ST", codes.DISPOSITION, _plain(prediction.disposition.value), "model")
    comment = f"{prediction.finding_text} {prediction.reason}"
    yield _Observation("TX", codes.COMMENT, _plain(comment), "model")
    yield _Observation("ST", codes.ALGORITHM_VERSION, _plain(prediction.model_version), "model")
    uid = origin.subject.identity.study_instance_uid if origin.subject.identity else None
    yield _Observation("ST", codes.STUDY_INSTANCE_UID, _plain(uid))
    if has_pdf:
        value = _joined(ends.sending_application, "application", "pdf", "Base64", _DOCUMENT)
        yield _Observation("ED", codes.IMAGING_REPORT, value)


def _set(segment: Segment, **fields: str) -> None:
    for name, value in fields.items():
        if value:
            setattr(segment, name, value)


def _plain(text: str | None) -> str:
    """A text as a field or component, with nothing in it that separates."""
    return "".join(_ESCAPES.get(character, character) for character in text or "")


def _joined(*parts: str | None) -> str:
    return "^".join(_plain(part) for part in parts).rstrip("^")


def _coded(code: codes.Code) -> str:
    return _joined(code.value, code.meaning, _SYSTEMS.get(code.scheme, f"99{code.scheme}"))


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")


def _date(date: str | None) -> str:
    return date if date and len(date) == 8 and date.isdecimal() else ""
