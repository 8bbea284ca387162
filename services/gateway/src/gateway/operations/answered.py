"""What is measured of an answer once it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Modality, Priority


@dataclass(frozen=True, slots=True)
class Answered:
    """A primary job that ended with an answer; ``stages`` are ``queued``, ``analysed`` and ``total``."""

    priority: Priority
    modality: Modality
    prediction: PredictionResult
    stages: Mapping[str, timedelta]
