"""Which study is wanted: by the UID or by the accession number that the archive has for it."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import StringConstraints

from gateway.identity import IdentityCipher
from gateway.studies.sealing import accession_reference
from ictus.imaging.uids import replacement_uid

UID_PATTERN: Final = r"^[0-9]+(\.[0-9]+)+$"
ACCESSION_PATTERN: Final = r"^[^\x00-\x1f\x7f*?\\]+$"
"""No wildcard of a query (PS3.4 C.2.2.2.4): a number that means many studies is none."""
LONGEST_NUMBER: Final = 64

StudyUid = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=UID_PATTERN, max_length=LONGEST_NUMBER)
]
AccessionNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=ACCESSION_PATTERN, max_length=LONGEST_NUMBER)
]


def is_uid(text: str) -> bool:
    """Whether this can be a UID at all, and so stand in an address."""
    return len(text) <= LONGEST_NUMBER and re.fullmatch(UID_PATTERN, text) is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of the two. It identifies a patient: never logged, stored sealed only."""

    study_instance_uid: str | None = None
    accession_number: str | None = None

    def __repr__(self) -> str:
        """Say which of the two it is, and not what."""
        return f"Wanted({'study_instance_uid' if self.study_instance_uid else 'accession_number'})"

    def reference(self, uid_key: bytes, site_id: UUID) -> str:
        """What stands for it: the same for the same study at the same site, and nothing that it could be read from."""
        if self.study_instance_uid is not None:
            return f"uid:{replacement_uid(uid_key, self.study_instance_uid)}"
        return f"accession:{accession_reference(uid_key, site_id, self.accession_number or '')}"

    def seal(self, cipher: IdentityCipher) -> bytes:
        """Encrypted, for the database."""
        return cipher.encrypt(json.dumps(asdict(self)))

    @classmethod
    def open(cls, cipher: IdentityCipher, sealed: bytes) -> Self:
        """What was sealed. Raises ``IdentityUnreadableError``."""
        return cls(**json.loads(cipher.decrypt(sealed)))
