"""Whose study an object belongs to: the sender's, re-identified at this border and nowhere else, or the de-identified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from ictus.imaging.deidentify import METHOD
from ictus.imaging.intake import PatientIdentity

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "PatientName": "patient_name",
    "PatientID": "patient_id",
    "PatientBirthDate": "birth_date",
    "PatientSex": "sex",
    "AccessionNumber": "accession_number",
    "StudyID": "study_id",
    "StudyDate": "study_date",
    "StudyTime": "study_time",
    "ReferringPhysicianName": "referring_physician",
}
"""Type 2 attributes of the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): empty rather than absent."""
_OPTIONAL: Final[Mapping[str, str]] = {
    "IssuerOfPatientID": "issuer_of_patient_id",
    "PatientAge": "age",
    "StudyDescription": "study_description",
}
_NO_MOMENT: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""What de-identification writes where the standard wants a date (``ictus.imaging.deidentify``)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient and study that objects are made for.

    Attributes:
        identity: None for de-identified objects.
        uids: de-identified UID -> the sender's; empty for de-identified objects.
    """

    identity: PatientIdentity | None = None
    uids: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_sender(cls, identity: PatientIdentity) -> Self:
        """The sender's own study."""
        return cls(identity, identity.original_uids)

    @property
    def is_identified(self) -> bool:
        """Whether the objects name the patient."""
        return self.identity is not None

    def uid(self, uid: str) -> str:
        """The UID as the objects must have it; one that the sender did not give stays."""
        return self.uids.get(uid, uid)

    def moment(self, happened: datetime) -> datetime:
        """A time as the objects may tell it: in the zone of this machine, or none at all."""
        return happened.astimezone() if self.is_identified else _NO_MOMENT

    def dress(self, dataset: Dataset) -> None:
        """Write patient and study into an object that was built without them.

        The sender's values are given back as they came, even where they break a rule of the standard: another
        spelling would be another patient to the archive.
        """
        dataset.SpecificCharacterSet = "ISO_IR 192"
        for keyword, name in {**_ATTRIBUTES, **_OPTIONAL}.items():
            value = getattr(self.identity, name) if self.identity else None
            if value or keyword in _ATTRIBUTES:
                _write(dataset, keyword, value or "")
        if not self.is_identified:
            dataset.PatientIdentityRemoved = "YES"
            dataset.DeidentificationMethod = METHOD
            dataset.LongitudinalTemporalInformationModified = "REMOVED"


def _write(dataset: Dataset, keyword: str, value: str) -> None:
    dataset.add(DataElement(keyword, dictionary_VR(keyword), value, validation_mode=config.IGNORE))
