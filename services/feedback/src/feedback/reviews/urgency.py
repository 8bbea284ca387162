"""Which result a reader should look at first."""

from enum import IntEnum
from typing import Final

from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Priority

_TENDS_TO_STROKE: Final = 0.5


class Urgency(IntEnum):
    """The queue's order, most urgent first; within one, the longest waiting. Stored: never renumber."""

    STAT_TENDING_TO_STROKE = 0
    STAT = 1
    TENDING_TO_STROKE = 2
    ROUTINE = 3


def urgency_of(item: ReviewItem) -> Urgency:
    """STAT before routine; within each, what tends to stroke before the rest."""
    tends = item.stroke_probability is not None and item.stroke_probability >= _TENDS_TO_STROKE
    if item.priority is Priority.STAT:
        return Urgency.STAT_TENDING_TO_STROKE if tends else Urgency.STAT
    return Urgency.TENDING_TO_STROKE if tends else Urgency.ROUTINE
