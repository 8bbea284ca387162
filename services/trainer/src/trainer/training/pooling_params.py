"""How a patient's slices become one score; torch is not needed to say so."""

from enum import StrEnum

from pydantic import Field

from ictus.model.base import Params


class Pooling(StrEnum):
    """How the scores of a patient's slices become one.

    ``TOP``: the mean of the highest. ``NOISY_OR``: the probability that at least one shows it, were slices
    independent. ``ATTENTION``: a mean whose weights are learned (Ilse 2018).
    """

    TOP = "top"
    NOISY_OR = "noisy-or"
    ATTENTION = "attention"


class PoolingParams(Params):
    """How a head is fitted to labels of patients."""

    pooling: Pooling = Pooling.TOP
    top: int = Field(
        default=3, ge=1, description="So many of the highest scores count; fewer where there are fewer."
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)
    epochs: int = Field(default=60, ge=1, description="Steps over all patients at once.")
    heads: int = Field(default=3, ge=1, description="Of different seeds, whose scores are averaged.")
