"""Sealing what identifies a patient before it reaches the database, and opening it for the site's own readers."""

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


def open_person(cipher: IdentityCipher, sealed: SealedIdentity) -> PatientDetail:
    """What a reader of the study's site may see. Raises ``IdentityUnreadableError``."""
    return PatientDetail.model_validate_json(cipher.decrypt(sealed.person))
