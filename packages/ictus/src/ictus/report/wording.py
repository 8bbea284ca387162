"""Every sentence of a report, in one place, so that the HTML and the PDF say the same.

What was looked for and what was not comes from the model's manifest, carried by the prediction; nothing
here claims more than it. A probability is put as a natural frequency ("of 100 scans that get this score"),
the form that readers misjudge least (Gigerenzer et al., Psychol Sci Public Interest 2007;8:53-96).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Final

from ictus.contracts.prediction import SeriesPrediction
from ictus.domain.enums import Disposition, Finding, Modality
from ictus.report.model import KeySlice, PatientLabel, ReportStatus, StudyReport
from ictus.report.next_steps import NextStep, Urgency
from ictus.report.reading import Reading

TITLE: Final = "Stroke assessment of a brain scan"
STATUSES: Final = {
    ReportStatus.PRELIMINARY: "Preliminary",
    ReportStatus.FINAL: "Final",
    ReportStatus.CORRECTED: "Corrected",
}
STATUSES_SHORT: Final = {
    ReportStatus.PRELIMINARY: "AI-assisted, not yet read",
    ReportStatus.FINAL: "AI-assisted, read",
    ReportStatus.CORRECTED: "AI-assisted, read; the reader's finding holds",
}
STATUS_NOTES: Final = {
    ReportStatus.PRELIMINARY: "Preliminary, AI-assisted report. It was made by software and no reader has confirmed it yet.",
    ReportStatus.FINAL: "Final, AI-assisted report. The finding is the readers'; what the software said stands below it.",
    ReportStatus.CORRECTED: "Corrected, AI-assisted report. The readers did not find what the software said: their finding "
    "holds, and the software's answer is superseded.",
}
READING: Final = "Read by a radiologist"
NO_FINDING: Final = "The images do not allow a finding."
FOOTER: Final = "For decision support; a clinician decides."
SALIENCY: Final = (
    "Left the scan, right where the network looked (Grad-CAM): warmer colours raised the score for {looked_for} "
    "more, and they fade where a slice's probability is low. The outline holds what is at least half as warm as "
    "the slice's warmest spot. Neither is the border of a lesion or a measurement."
)
NO_SALIENCY: Final = "No heatmap is shown, because the model gave no answer that it could explain."
CONFIDENCE_LIMITS: Final = (
    "This holds for scans like those that the model was tested on. It is not the probability for this patient, "
    "whose history and examination the model does not know."
)

DISPOSITIONS: Final = {
    Disposition.CONFIDENT: "Confident",
    Disposition.UNCERTAIN: "Uncertain: a reader must decide",
    Disposition.UNSUITABLE: "Not assessed: unsuitable input",
    Disposition.NOT_VALIDATED: "Not assessed: not validated for this input",
}
URGENCIES: Final = {Urgency.NOW: "Now", Urgency.NEXT: "Next", Urgency.ALWAYS: "Always"}
MODALITIES: Final = {
    Modality.CT: "CT",
    Modality.MR: "MR",
    Modality.OTHER: "Modality unknown",
}


class Tone(StrEnum):
    """The colour family of the result; the words say the same without it."""

    ALERT = "alert"
    CLEAR = "clear"
    DOUBT = "doubt"
    NONE = "none"


SERIES_HEADINGS: Final = ("Series", "Modality", "Slices", "Probability", "Answer", "Reason")
DRIVING_SERIES: Final = "* The series whose score is the study's."


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One line of the table of series; ``cells`` pairs each heading after the first with its text."""

    number: str
    cells: tuple[tuple[str, str], ...]


def tone(report: StudyReport) -> Tone:
    """Which colour family the result is shown in. One that is not confident, or superseded, is never red or green."""
    if report.status is ReportStatus.CORRECTED:
        return Tone.NONE
    match report.result.disposition, report.result.finding:
        case Disposition.CONFIDENT, Finding.STROKE:
            return Tone.ALERT
        case Disposition.CONFIDENT, Finding.NORMAL:
            return Tone.CLEAR
        case Disposition.UNCERTAIN, _:
            return Tone.DOUBT
        case _:
            return Tone.NONE


def status_note(report: StudyReport) -> str:
    """What the report is worth, in a sentence."""
    return STATUS_NOTES[report.status]


def disposition(report: StudyReport) -> str:
    """The line above the model's answer: its disposition, and that readers have superseded or confirmed it."""
    told = DISPOSITIONS[report.result.disposition]
    match report.status:
        case ReportStatus.PRELIMINARY:
            return told
        case ReportStatus.CORRECTED:
            return f"Superseded: what the model said ({told[0].lower()}{told[1:]})"
        case ReportStatus.FINAL:
            return f"What the model said ({told[0].lower()}{told[1:]})"


def reading_tone(reading: Reading) -> Tone:
    """Which colour family the readers' finding is shown in."""
    match reading.finding:
        case Finding.STROKE:
            return Tone.ALERT
        case Finding.NORMAL:
            return Tone.CLEAR
        case None:
            return Tone.NONE


def reading_headline(report: StudyReport, reading: Reading) -> str:
    """The readers' finding, in the words of what was looked for."""
    looked_for = report.result.looked_for
    match reading.finding:
        case Finding.STROKE:
            kind = f": {reading.subtype.value}" if reading.subtype else ""
            return f"{looked_for[:1].upper()}{looked_for[1:]} found{kind}."
        case Finding.NORMAL:
            return f"No {looked_for} found."
        case None:
            return NO_FINDING


def reading_by(reading: Reading) -> str:
    """Who read the study, and when that was done."""
    *others, last = reading.readers or ("a reader whose account is gone",)
    names = f"{', '.join(others)} and {last}" if others else last
    return f"Read by {names}, {moment(reading.decided_at)}."


def percent(probability: float) -> str:
    """A probability as a percentage that never reads as certainty."""
    count = round(probability * 100)
    if count == 0:
        return "under 1\u00a0%"
    if count == 100:
        return "over 99\u00a0%"
    return f"{count}\u00a0%"


def natural_frequency(probability: float, looked_for: str) -> str:
    """The probability as a count among 100 scans with the same score."""
    count = round(probability * 100)
    if count == 0:
        return f"Of 100 scans that get this score, fewer than 1 show {looked_for}."
    if count == 100:
        return f"Of 100 scans that get this score, more than 99 show {looked_for}."
    show = "shows" if count == 1 else "show"
    do_not = "does not" if count == 99 else "do not"
    return f"Of 100 scans that get this score, about {count} {show} {looked_for} and about {100 - count} {do_not}."


def confidence(report: StudyReport) -> tuple[str, ...]:
    """What the probability means, or why there is none; one paragraph each."""
    if report.probability is None:
        return (
            "No probability is shown: for this input the number would have no tested meaning. "
            "The absence of a finding here is not a normal result.",
        )
    return (natural_frequency(report.probability, report.result.looked_for), CONFIDENCE_LIMITS)


def thresholds(report: StudyReport) -> str | None:
    """What the probability was held against, in words."""
    limits = report.result.thresholds
    if report.probability is None or limits is None:
        return None
    return (
        f"From {percent(limits.stroke_at_least)} the model answers stroke, up to {percent(limits.normal_at_most)} "
        "normal; between the two it is uncertain and a reader decides."
    )


def subtypes(report: StudyReport) -> tuple[tuple[str, str], ...]:
    """Subtype and its probability, most probable first; empty when no probability may be shown."""
    if report.probability is None:
        return ()
    ranked = sorted(report.result.subtypes.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name.replace("_", " "), percent(probability)) for name, probability in ranked)


def patient_rows(patient: PatientLabel) -> tuple[tuple[str, str], ...]:
    """Who the report is about; what is not known says so, since an empty field looks like a fault."""
    named = (
        ("Patient", patient.name),
        ("Patient ID", patient.patient_id),
        ("Born", patient.birth_date),
        ("Sex", patient.sex),
    )
    return tuple((name, value or "not given") for name, value in named)


def study_rows(report: StudyReport) -> tuple[tuple[str, str], ...]:
    """Which study the report is about."""
    labels = report.labels
    slices = sum(len(series.slices) for series in report.result.series)
    scan = (MODALITIES[labels.modality], labels.description, "1 slice" if slices == 1 else f"{slices} slices")
    rows = (
        ("Study", str(labels.study_id)),
        ("Scan", ", ".join(part for part in scan if part)),
        ("Site", labels.site_name),
        ("Received", moment(labels.received_at)),
        ("Analysed", moment(labels.analysed_at)),
    )
    return tuple((name, value) for name, value in rows if value)


def steps_by_urgency(report: StudyReport) -> tuple[tuple[str, tuple[NextStep, ...]], ...]:
    """The next steps under the heading of their urgency, which they are already sorted by."""
    groups = groupby(report.next_steps, key=lambda step: step.urgency)
    return tuple((URGENCIES[urgency], tuple(steps)) for urgency, steps in groups)


def series_rows(report: StudyReport) -> tuple[SeriesRow, ...]:
    """The table of series, the one whose score is the study's marked."""
    driving = report.result.driving_series_id if len(report.result.series) > 1 else None
    return tuple(
        SeriesRow(
            number=f"{number} *" if series.series_id == driving else str(number),
            cells=tuple(
                zip(
                    SERIES_HEADINGS[1:],
                    (
                        series.modality.value,
                        str(len(series.slices)),
                        _series_probability(report, series),
                        DISPOSITIONS[series.disposition].split(":")[0],
                        series.reason,
                    ),
                    strict=True,
                )
            ),
        )
        for number, series in enumerate(report.result.series, start=1)
    )


def model_rows(report: StudyReport) -> tuple[tuple[str, str], ...]:
    """The model's name tag: version, what it is validated for, its card in short."""
    result = report.result
    return (
        ("Version", result.model_version),
        ("Validated for", result.validated_for),
        *((fact.name, fact.value) for fact in result.model_facts),
        ("Digest (SHA-256)", result.model_sha256),
    )


def _series_probability(report: StudyReport, series: SeriesPrediction) -> str:
    shown = series.disposition in {Disposition.CONFIDENT, Disposition.UNCERTAIN}
    if not shown or report.probability is None or series.stroke_probability is None:
        return "none"
    return percent(series.stroke_probability)


def slice_name(report: StudyReport, key_slice: KeySlice) -> str:
    """Where a picture comes from: "Slice 14 of 32", with its series when there are several."""
    series = _series_of(report, key_slice)
    name = f"Slice {key_slice.index + 1} of {len(series.slices)}"
    if len(report.result.series) > 1:
        return f"Series {report.series_number(series.series_id)}, {name[0].lower()}{name[1:]}"
    return name


def slice_probability(report: StudyReport, key_slice: KeySlice) -> str | None:
    """The slice's own probability, when one may be shown."""
    if report.probability is None:
        return None
    slices = _series_of(report, key_slice).slices
    value = next((s.stroke_probability for s in slices if s.index == key_slice.index), None)
    return None if value is None else percent(value)


def _series_of(report: StudyReport, key_slice: KeySlice) -> SeriesPrediction:
    return report.result.series[report.series_number(key_slice.series_id) - 1]


def chart_summary(report: StudyReport, series: SeriesPrediction) -> str:
    """The chart in words: its alternative text, and its caption."""
    values = [(s.stroke_probability, s.index + 1) for s in series.slices if s.stroke_probability is not None]
    highest, at = max(values)
    summary = (
        f"Probability of {report.result.looked_for} for each of the {len(series.slices)} slices of "
        f"series {report.series_number(series.series_id)}; the highest is {percent(highest)} on slice {at}."
    )
    if without := len(series.slices) - len(values):
        summary += f" {without} {'slice was' if without == 1 else 'slices were'} unsuitable and left out."
    if report.result.thresholds is not None:
        summary += " The dashed lines are the thresholds that the study's score is held against."
    return summary


def saliency(report: StudyReport) -> str:
    """What the heatmaps are, and what they are not."""
    if any(key_slice.explained for key_slice in report.pictured):
        return SALIENCY.format(looked_for=report.result.looked_for)
    return NO_SALIENCY


def moment(when: datetime) -> str:
    """A date and time with its zone, in the ISO order that no reader confuses."""
    return f"{when:%Y-%m-%d %H:%M} {when.tzname() or ''}".strip()
