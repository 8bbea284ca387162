"""Why a result waits for a reader, in words."""

from typing import Final

from ictus.contracts.reviews import Review
from ictus.domain.enums import Disposition, ReviewState, SecondReaderReason

WAITING: Final = frozenset({ReviewState.OPEN, ReviewState.SECOND_READER, ReviewState.CONFLICT})
"""The states in which a reader is waited for."""

_DISPOSITIONS: Final = {
    Disposition.CONFIDENT: "The model is confident.",
    Disposition.UNCERTAIN: "The model is uncertain.",
    Disposition.UNSUITABLE: "The images are unsuitable for the model.",
    Disposition.NOT_VALIDATED: "The model is not validated for this input.",
}
_SECOND_READER: Final = {
    SecondReaderReason.EVERY_RESULT: "Every result is read twice here: another reader is needed.",
    SecondReaderReason.FLIPS_CONFIDENT_RESULT: "The first reader contradicts a confident result: another reader is needed.",
    SecondReaderReason.OUTLIER: "The first reader contradicts a result that the model was all but certain of: another reader "
    "is needed.",
}
_OUTSIDE: Final = "The scan is unlike those that the model has learned from."


def why(review: Review, *, blinded: bool) -> str:
    """One or two sentences for the queue and the desk; they do not tell ``blinded`` readers what others found."""
    match review.state:
        case ReviewState.SECOND_READER if blinded:
            return "Another reader is needed."
        case ReviewState.FINAL:
            return "The review is final."
        case ReviewState.CONFLICT:
            return "Two readers disagree: a third reader decides."
        case ReviewState.SECOND_READER:
            reason = review.second_reader_reason or SecondReaderReason.EVERY_RESULT
            return _SECOND_READER[reason]
        case ReviewState.OPTIONAL:
            return "The model is confident: a review is welcome, not needed."
    said = _DISPOSITIONS[review.item.disposition]
    novelty = review.item.novelty
    outside = novelty is not None and novelty >= 1 and review.item.disposition is not Disposition.UNSUITABLE
    return f"{said} {_OUTSIDE}" if outside else said
