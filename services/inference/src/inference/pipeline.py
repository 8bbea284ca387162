"""From canonical volumes to the answer: the one code path of the worker and ``ictus analyze``."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol
from uuid import UUID

from ictus.contracts.prediction import (
    HeadIntensity,
    PredictionResult,
    SeriesPrediction,
    SlicePrediction,
    StageTiming,
)
from ictus.domain.enums import Stage
from ictus.imaging.volume import Volume
from ictus.model.disposition import SeriesDecision, decide_series, decide_study
from ictus.model.facts import model_facts
from ictus.model.intensity import head_intensity
from ictus.storage import keys
from inference.artefacts import LoadedModel
from inference.pictures import SeriesPictures
from inference.reading import Step, joined, read
from inference.results import Results


class Report(Protocol):
    """Told how far an analysis is; may raise to end it."""

    def __call__(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """``done`` of ``total`` slices of the study are through ``stage``."""


@dataclass(frozen=True, slots=True)
class SeriesInput:
    """One series to analyse.

    Attributes:
        series_id: names it in the answer.
        slices: how many it has.
        load: gives its volume; called once, when its turn comes.
    """

    series_id: UUID
    slices: int
    load: Callable[[], Volume]


@dataclass(frozen=True, slots=True)
class StageClock:
    """Wall seconds by stage, over all series."""

    seconds: dict[Stage, float] = field(default_factory=dict)

    @contextmanager
    def of(self, stage: Stage) -> Iterator[None]:
        """Add the block's time to ``stage``."""
        started = perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + perf_counter() - started

    def timings(self) -> tuple[StageTiming, ...]:
        """The stages in the order in which they began."""
        return tuple(
            StageTiming(stage=stage, seconds=round(spent, 4)) for stage, spent in self.seconds.items()
        )


def analyse(
    model: LoadedModel, inputs: Iterable[SeriesInput], results: Results | None, report: Report
) -> PredictionResult:
    """Analyse a study with one model.

    Args:
        model: answers for the whole study, whatever is swapped meanwhile.
        inputs: at least one series.
        results: takes overlays, key slices and embeddings; None when nobody will look at them.
        report: told of the progress.
    """
    series = tuple(inputs)
    clock = StageClock()
    total = sum(item.slices for item in series)
    answers: list[tuple[SeriesDecision, SeriesPrediction]] = []
    done = 0
    for item in series:
        answers.append(_analyse_series(model, item, results, _Progress(report, done, total), clock))
        done += item.slices
    if results is not None:
        report(Stage.STORING, total, total)
        with clock.of(Stage.STORING):
            results.finish()
    return _answer(model, answers, clock)


@dataclass(frozen=True, slots=True)
class _Progress:
    """Progress of one series within its study."""

    report: Report
    before: int
    total: int

    def __call__(self, stage: Stage, done: int = 0) -> None:
        self.report(stage, self.before + done, self.total)


def _analyse_series(
    model: LoadedModel, item: SeriesInput, results: Results | None, progress: _Progress, clock: StageClock
) -> tuple[SeriesDecision, SeriesPrediction]:
    manifest = model.directory.manifest
    progress(Stage.LOADING)
    with clock.of(Stage.LOADING):
        volume = item.load()
    pictures = SeriesPictures(results, item.series_id, manifest) if results is not None else None
    may_explain = volume.modality in manifest.validation.modalities
    steps: list[Step] = []
    progress(Stage.PREPROCESSING)
    with clock.of(Stage.CLASSIFYING):
        for step in read(volume, manifest.preprocess, model.engine):
            if pictures is not None and may_explain:
                pictures.overlays(step)
            steps.append(step.without_pixels())
            progress(Stage.CLASSIFYING, int(step.prepared.indices[-1]) + 1)
    prepared, output = joined(steps)
    with clock.of(Stage.EXPLAINING):
        decision = decide_series(
            manifest,
            statistics=model.statistics,
            volume=volume,
            prepared=prepared,
            logits=output.logits,
            embedding=output.embedding,
        )
        if pictures is not None:
            progress(Stage.EXPLAINING, item.slices)
            pictures.key_slices(decision, prepared, output)
            pictures.embedding(output)
        intensity = head_intensity(prepared, manifest.preprocess)
    return decision, _series_prediction(item, volume, decision, intensity, results)


def _series_prediction(
    item: SeriesInput,
    volume: Volume,
    decision: SeriesDecision,
    intensity: HeadIntensity | None,
    results: Results | None,
) -> SeriesPrediction:
    """Name what may be shown: no heatmap where the model may not speak."""
    has_overlays = results is not None and decision.finding is not None
    prefix = results.prefix if results is not None else ""
    key_slices = frozenset(decision.key_slices) if results is not None else frozenset()

    def slice_prediction(index: int, probability: float | None) -> SlicePrediction:
        is_key = index in key_slices
        return SlicePrediction(
            index=index,
            stroke_probability=probability,
            overlay_key=keys.overlay_key(prefix, item.series_id, index)
            if has_overlays and probability is not None
            else None,
            picture_key=keys.picture_key(prefix, item.series_id, index) if is_key else None,
            plain_key=keys.plain_key(prefix, item.series_id, index) if is_key else None,
        )

    return SeriesPrediction(
        series_id=item.series_id,
        modality=volume.modality,
        disposition=decision.disposition,
        reason=decision.reason,
        finding=decision.finding,
        stroke_probability=decision.stroke_probability,
        slices=tuple(
            slice_prediction(index, probability)
            for index, probability in enumerate(decision.slice_probabilities)
        ),
        key_slices=decision.key_slices,
        embedding_key=keys.embedding_key(prefix, item.series_id) if results is not None else None,
        novelty=decision.novelty,
        intensity=intensity,
    )


def _answer(
    model: LoadedModel, answers: list[tuple[SeriesDecision, SeriesPrediction]], clock: StageClock
) -> PredictionResult:
    directory = model.directory
    study = decide_study(directory.manifest, [decision for decision, _ in answers])
    series = tuple(prediction for _, prediction in answers)
    return PredictionResult(
        finding=study.finding,
        finding_text=study.finding_text,
        stroke_probability=study.stroke_probability,
        confidence=study.confidence,
        looked_for=study.looked_for,
        thresholds=study.thresholds,
        disposition=study.disposition,
        reason_code=study.reason_code,
        reason=study.reason,
        series=series,
        driving_series_id=series[study.driving].series_id,
        novelty=series[study.driving].novelty,
        intensity=series[study.driving].intensity,
        embedding_space=directory.manifest.embedding_space,
        model_version=directory.manifest.version,
        model_sha256=directory.sha256,
        validated_for=study.validated_for,
        model_facts=model_facts(directory.manifest),
        timings=clock.timings(),
    )
