"""What can be asked of an archive, however it is spoken to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.pulls.receiver import Receiver
from gateway.pulls.wanted import Wanted

FETCHED_MODALITIES: Final = frozenset({"CT", "MR"})
"""Series of other modalities stay where they are: reports, key images, our own results; none can be analysed."""

MOST_STUDIES: Final = 20
"""Answers to one question that are looked at: more than one means already that the study is not known for certain."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an archive may take.

    Attributes:
        connect: seconds until it has accepted a connection.
        silence: seconds without a word while it works: some say nothing before all of a study is sent.
    """

    connect: float
    silence: float


@dataclass(frozen=True, slots=True)
class ArchivedStudy:
    """A study as the archive knows it, with empty texts for what it does not tell. Identity: never logged or stored."""

    study_instance_uid: str
    accession_number: str
    patient_id: str


@dataclass(frozen=True, slots=True)
class ArchivedSeries:
    """A series as the archive knows it; ``instances`` is None where it does not count them."""

    series_instance_uid: str
    modality: str
    instances: int | None


class Archive(Protocol):
    """Speaks to one archive.

    Every method raises ``UnreachableError`` or ``RefusedForNowError`` when trying again may help, ``RefusedError`` when not.
    """

    def find(self, wanted: Wanted) -> Sequence[ArchivedStudy]:
        """Studies that the archive gives for this number; some archives give more than those that have it."""

    def series(self, study_instance_uid: str) -> Sequence[ArchivedSeries]:
        """The series of a study."""

    def fetch(
        self, study_instance_uid: str, series: Sequence[ArchivedSeries], receiver: Receiver
    ) -> int | None:
        """Have the series come here.

        Returns:
            How many instances the archive says it has sent to our listener; None when ``receiver`` has got them.
        """

    def test(self) -> str:
        """Ask whether it is there, without a patient; what it answered."""
