"""A patient who does not exist, and whom every attribute gives away: what keeps a trace of them, kept an identity."""

from typing import Final

from ictus.imaging.phantom import Person

WORD: Final = "CanaryCarla"
"""Occurs nowhere else."""

PATIENT: Final = Person(
    name=f"{WORD}^Quixotica",
    patient_id=f"{WORD.upper()}-77",
    birth_date="19370229",
    accession_number=f"{WORD.upper()}ACC",
    referring_physician=f"{WORD}^Doctor",
    institution=f"{WORD} Clinic",
    study_date="20991231",
    study_description=f"{WORD}'s head",
)

_TRACES: Final = tuple(
    trace.lower().encode() for trace in (WORD, "Quixotica", PATIENT.birth_date, PATIENT.study_date)
)


def traces_in(content: bytes, *others: bytes) -> list[bytes]:
    """The patient's traces, and ``others`` in lower case, that occur in ``content`` in any case of letters."""
    lowered = content.lower()
    return [trace for trace in (*_TRACES, *others) if trace in lowered]
