"""Sealing what identifies a patient before it reaches the database, and opening it for the site's own readers."""

import hashlib
import hmac
import json
from dataclasses import asdict
from uuid import UUID

from gateway.identity import IdentityCipher
from gateway.studies.models import SealedIdentity
from gateway.studies.schemas import PatientDetail
from ictus.imaging.intake import PatientIdentity


def seal(cipher: IdentityCipher, study_id: UUID, identity: PatientIdentity) -> SealedIdentity:
    """Encrypt an identity for its study."""
    person = asdict(identity)
    uids = person.pop("original_uids")
    return SealedIdentity(
        study_id=study_id,
        person=cipher.encrypt(json.dumps(person)),
        original_uids=cipher.encrypt(json.dumps(uids)),
    )


def patient_reference(key: bytes, site_id: UUID, identity: PatientIdentity) -> UUID | None:
    """What tells that two scans are of one patient, to whoever must keep patients apart without knowing them.

    A keyed HMAC of the site and DICOM PatientID (0010,0020), which is unique within its issuer only (PS3.3 C.2.2).
    None when the sender gave no PatientID. It is another one at another site, on purpose: nobody can follow a
    patient from one site to the other by it.
    """
    patient_id = (identity.patient_id or "").strip()
    return patient_number_reference(key, site_id, patient_id) if patient_id else None


def patient_number_reference(key: bytes, site_id: UUID, patient_id: str) -> UUID:
    """What stands for a PatientID at a site."""
    return _reference(key, b"patient", site_id, patient_id)


def accession_reference(key: bytes, site_id: UUID, accession_number: str) -> UUID:
    """What stands for an AccessionNumber (0008,0050) at a site, so that a study is found by it without being opened."""
    return _reference(key, b"accession", site_id, accession_number)


def open_person(cipher: IdentityCipher, sealed: SealedIdentity | None) -> PatientDetail | None:
    """What a reader of the study's site may see; None of an upload without a patient header.

    Raises ``IdentityUnreadableError``.
    """
    return None if sealed is None else PatientDetail.model_validate_json(cipher.decrypt(sealed.person))


def open_identity(cipher: IdentityCipher, sealed: SealedIdentity) -> PatientIdentity:
    """Everything that was sealed, the sender's UIDs included, to answer the system that the scan came from.

    Raises ``IdentityUnreadableError``.
    """
    person = json.loads(cipher.decrypt(sealed.person))
    return PatientIdentity(**person, original_uids=json.loads(cipher.decrypt(sealed.original_uids)))


def open_header(cipher: IdentityCipher, sealed: SealedIdentity) -> PatientIdentity:
    """All that was sealed but the UIDs of series and instances. Raises ``IdentityUnreadableError``."""
    return PatientIdentity(**json.loads(cipher.decrypt(sealed.person)))


def _reference(key: bytes, kind: bytes, site_id: UUID, number: str) -> UUID:
    message = kind + b"\0" + site_id.bytes + number.encode()
    return UUID(bytes=hmac.new(key, message, hashlib.sha256).digest()[:16])
