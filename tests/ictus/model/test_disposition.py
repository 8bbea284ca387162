from dataclasses import replace

import numpy as np
import pytest

from ictus.domain.enums import Disposition, Finding, Modality
from ictus.imaging.phantom import head_ct, head_mr
from ictus.imaging.volume import Volume
from ictus.model.disposition import ReasonCode, SeriesDecision, decide_series, decide_study
from ictus.model.manifest import ModelManifest
from ictus.model.preprocess import prepare
from ictus.model.suitability import EmbeddingLimits, EmbeddingStatistics, Suitability, SuitabilityFault

SLICES = 6


def decide(
    manifest: ModelManifest,
    volume: Volume,
    stroke_probability: float,
    embedding: np.ndarray | None = None,
    statistics: EmbeddingStatistics | None = None,
) -> SeriesDecision:
    count = len(volume.voxels)
    logit = np.log(stroke_probability / (1 - stroke_probability))
    return decide_series(
        manifest,
        statistics=statistics,
        volume=volume,
        prepared=prepare(volume, manifest.preprocess),
        logits=np.tile([0.0, logit], (count, 1)),
        embedding=np.ones((count, 8), np.float32) if embedding is None else embedding,
    )


@pytest.mark.parametrize(
    ("probability", "disposition", "finding", "confidence"),
    [
        (0.9, Disposition.CONFIDENT, Finding.STROKE, 0.9),
        (0.6, Disposition.UNCERTAIN, Finding.STROKE, 0.6),
        (0.4, Disposition.UNCERTAIN, Finding.NORMAL, 0.6),
        (0.1, Disposition.CONFIDENT, Finding.NORMAL, 0.9),
    ],
)
def test_head_ct_gets_a_finding(
    manifest: ModelManifest,
    probability: float,
    disposition: Disposition,
    finding: Finding,
    confidence: float,
) -> None:
    decision = decide(manifest, head_ct(SLICES, 128), probability)
    assert decision.disposition is disposition
    assert decision.finding is finding
    assert decision.stroke_probability == pytest.approx(probability)
    assert decision.confidence == pytest.approx(confidence)
    assert decision.slice_probabilities == pytest.approx([probability] * SLICES)
    assert decision.thresholds is not None
    assert decision.thresholds.normal_at_most == pytest.approx(0.2)
    assert decision.thresholds.stroke_at_least == pytest.approx(0.7)


def test_mr_never_gets_a_finding(manifest: ModelManifest) -> None:
    decision = decide(manifest, head_mr(SLICES, 128), 0.99)
    assert decision.disposition is Disposition.NOT_VALIDATED
    assert decision.reason_code == ReasonCode.MODALITY_NOT_VALIDATED
    assert decision.finding is None
    assert decision.confidence is None


def test_a_picture_that_nobody_calls_a_scan_is_unsuitable(manifest: ModelManifest) -> None:
    unknown = replace(head_mr(SLICES, 128), modality=Modality.OTHER)
    stated = decide(manifest, unknown, 0.99)
    guessed = decide(manifest, replace(unknown, modality_stated=False), 0.99)
    assert stated.disposition is Disposition.NOT_VALIDATED
    assert guessed.disposition is Disposition.UNSUITABLE
    assert guessed.reason_code == SuitabilityFault.NO_HEAD


def test_other_body_part_never_gets_a_finding(manifest: ModelManifest) -> None:
    decision = decide(manifest, replace(head_ct(SLICES, 128), body_part="CHEST"), 0.99)
    assert decision.disposition is Disposition.NOT_VALIDATED
    assert decision.reason_code == ReasonCode.BODY_PART_NOT_VALIDATED
    assert "CHEST" in decision.reason


def test_unstated_body_part_is_judged_by_its_looks(manifest: ModelManifest) -> None:
    assert decide(manifest, replace(head_ct(SLICES, 128), body_part=None), 0.9).finding is Finding.STROKE


@pytest.mark.parametrize("modality", [Modality.CT, Modality.MR])
def test_colour_is_unsuitable_whatever_it_claims_to_be(manifest: ModelManifest, modality: Modality) -> None:
    volume = replace(head_ct(SLICES, 128), colourfulness=0.4, modality=modality)
    decision = decide(manifest, volume, 0.99)
    assert decision.disposition is Disposition.UNSUITABLE
    assert decision.reason_code == SuitabilityFault.COLOUR
    assert decision.stroke_probability is None
    assert decision.slice_probabilities == (None,) * SLICES


def test_blank_slices_are_left_out_and_the_rest_is_judged(manifest: ModelManifest) -> None:
    voxels = head_ct(SLICES, 128).voxels.copy()
    voxels[[0, 5]] = -1000
    decision = decide(manifest, replace(head_ct(SLICES, 128), voxels=voxels), 0.9)
    assert decision.disposition is Disposition.CONFIDENT
    assert [p is None for p in decision.slice_probabilities] == [True, False, False, False, False, True]
    assert not {0, 5} & set(decision.key_slices)


def test_series_unlike_the_training_images_is_unsuitable(manifest: ModelManifest) -> None:
    limits = EmbeddingLimits(neighbour=1, maximum_distance=0.1)
    careful = manifest.model_copy(update={"suitability": Suitability(embedding=limits)})
    statistics = EmbeddingStatistics(
        np.zeros(8, np.float32), np.eye(8, 2, dtype=np.float32), np.zeros((1, 2), np.float32)
    )
    decision = decide(careful, head_ct(SLICES, 128), 0.9, statistics=statistics)
    assert decision.reason_code == SuitabilityFault.UNLIKE_TRAINING
    assert decision.novelty == pytest.approx(10)  # a unit vector against a reference at the origin


def test_novelty_is_that_of_the_slices_that_drove_the_answer(manifest: ModelManifest) -> None:
    limits = EmbeddingLimits(neighbour=1, maximum_distance=2.0)
    lenient = manifest.model_copy(
        update={
            "suitability": Suitability(embedding=limits),
            "aggregation": manifest.aggregation.model_copy(update={"key_slices": 2}),
        }
    )
    axes = np.eye(8, 2, dtype=np.float32)
    statistics = EmbeddingStatistics(np.zeros(8, np.float32), axes, axes[:1])  # the first unit vector
    volume = head_ct(SLICES, 128)
    embedding = np.tile(np.eye(8, dtype=np.float32)[0], (SLICES, 1))
    embedding[:2] = np.eye(8, dtype=np.float32)[5]  # at right angles to the reference
    suspicious = np.where(np.arange(SLICES) < 2, 3.0, -3.0)
    decision = decide_series(
        lenient,
        statistics=statistics,
        volume=volume,
        prepared=prepare(volume, lenient.preprocess),
        logits=np.stack([np.zeros(SLICES), suspicious], axis=1),
        embedding=embedding,
    )
    assert set(decision.key_slices) == {0, 1}
    assert decision.novelty == pytest.approx(np.sqrt(2) / 2)


def test_novelty_is_unknown_where_nothing_was_learned_from(manifest: ModelManifest) -> None:
    assert decide(manifest, head_ct(SLICES, 128), 0.9).novelty is None  # no embedding check
    limits = EmbeddingLimits(neighbour=1, maximum_distance=2.0)
    careful = manifest.model_copy(update={"suitability": Suitability(embedding=limits)})
    statistics = EmbeddingStatistics(
        np.zeros(8, np.float32), np.eye(8, 2, dtype=np.float32), np.zeros((1, 2), np.float32)
    )
    assert decide(careful, head_mr(SLICES, 128), 0.9, statistics=statistics).novelty is None


def test_study_speaks_by_its_most_alarming_assessed_series(manifest: ModelManifest) -> None:
    clean, alarming = (decide(manifest, head_ct(SLICES, 128), p) for p in (0.1, 0.9))
    not_covered = decide(manifest, head_mr(SLICES, 128), 0.99)
    study = decide_study(manifest, [not_covered, clean, alarming])
    assert study.driving == 2
    assert study.disposition is Disposition.CONFIDENT
    assert study.finding_text == manifest.wording.stroke
    assert "1 further series could not be assessed" in study.reason


def test_clean_study_says_what_was_not_looked_for(manifest: ModelManifest) -> None:
    study = decide_study(manifest, [decide(manifest, head_ct(SLICES, 128), 0.1)])
    assert study.finding_text == "No haemorrhage found; ischaemic stroke is not assessed by this model."
    assert study.looked_for == "intracranial haemorrhage"


def test_study_without_an_assessable_series_has_no_finding(manifest: ModelManifest) -> None:
    colour = decide(manifest, replace(head_ct(SLICES, 128), colourfulness=0.4), 0.9)
    study = decide_study(manifest, [colour, decide(manifest, head_mr(SLICES, 128), 0.2)])
    assert study.disposition is Disposition.NOT_VALIDATED
    assert study.finding is None
    assert study.finding_text == manifest.wording.none
