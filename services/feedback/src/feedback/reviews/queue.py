"""Which result a reader should look at first."""

from enum import IntEnum
from typing import Final

from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Priority

_TENDS_TO_STROKE: Final = 0.5


class Urgency(IntEnum):
    """The first part of the queue's order, most urgent first. Stored: never renumber."""

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


def learning_value(item: ReviewItem) -> float:
    """What the model would learn from a reader's word: its uncertainty times the novelty of the input, at least 0.

    Uncertainty is ``1 - |2p - 1|``, and 1 for a result without a probability; an unknown novelty counts as 1.
    """
    probability = item.stroke_probability
    uncertainty = 1.0 if probability is None else 1.0 - abs(2.0 * probability - 1.0)
    return uncertainty * (1.0 if item.novelty is None else item.novelty)
