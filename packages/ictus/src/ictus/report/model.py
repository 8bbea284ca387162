"""What a report is made of: the prediction, the labels, the pictures and the recommended steps.

Everything is a plain value, so the same report renders to the same bytes on a server and on a laptop.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from ictus.contracts.prediction import PredictionResult, SeriesPrediction
from ictus.domain.enums import Disposition, Modality
from ictus.report.next_steps import NextStep
from ictus.report.reading import Reading

KEY_SLICES_SHOWN: Final = 4
"""At most this many key slices are pictured; the chart shows every slice."""


@dataclass(frozen=True, slots=True)
class PatientLabel:
    """The patient as printed on the report. Only the gateway, which holds identities, can fill it in."""

    name: str | None = None
    patient_id: str | None = None
    birth_date: str | None = None
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class StudyLabels:
    """Which study this is. ``received_at`` and ``analysed_at`` are aware datetimes, printed in their zone."""

    study_id: UUID
    modality: Modality
    received_at: datetime
    analysed_at: datetime
    site_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class KeySlice:
    """The pictures of one slice that drove the score.

    Attributes:
        series_id: the series the slice belongs to.
        index: position in that series, 0 = first.
        plain: the windowed slice, JPEG.
        explained: the same with heatmap and region outline, JPEG; None where no heatmap may be shown.
    """

    series_id: UUID
    index: int
    plain: bytes
    explained: bytes | None = None


class ReportStatus(StrEnum):
    """What a report is worth: software's word, confirmed by readers, or corrected by them."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"


def report_status(result: PredictionResult, reading: Reading | None) -> ReportStatus:
    """Corrected when the readers did not find what the model says, or tends to; final when they did, or it said nothing."""
    if reading is None:
        return ReportStatus.PRELIMINARY
    contradicted = result.finding is not None and reading.finding is not result.finding
    return ReportStatus.CORRECTED if contradicted else ReportStatus.FINAL


@dataclass(frozen=True, slots=True)
class StudyReport:
    """One analysed study, ready to be rendered."""

    labels: StudyLabels
    result: PredictionResult
    key_slices: tuple[KeySlice, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    patient: PatientLabel | None = None
    reading: Reading | None = None

    @property
    def status(self) -> ReportStatus:
        """What the report is worth."""
        return report_status(self.result, self.reading)

    @property
    def probability(self) -> float | None:
        """The study's probability when it may be shown: never for an input that the model cannot judge."""
        if self.result.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}:
            return self.result.stroke_probability
        return None

    @property
    def pictured(self) -> tuple[KeySlice, ...]:
        """The key slices to show, without their heatmaps when there is no answer that they could explain."""
        shown = self.key_slices[:KEY_SLICES_SHOWN]
        return shown if self.probability is not None else tuple(replace(s, explained=None) for s in shown)

    @property
    def driving_series(self) -> SeriesPrediction | None:
        """The series whose score is the study's."""
        return next((s for s in self.result.series if s.series_id == self.result.driving_series_id), None)

    def series_number(self, series_id: UUID) -> int:
        """1-based number of a series in this report; ``ValueError`` when the prediction does not hold it."""
        return [series.series_id for series in self.result.series].index(series_id) + 1

    @property
    def charted_series(self) -> SeriesPrediction | None:
        """The driving series when it has more than one slice and probabilities that may be shown."""
        series = self.driving_series
        if series is None or self.probability is None or len(series.slices) < 2:
            return None
        return series if any(s.stroke_probability is not None for s in series.slices) else None
