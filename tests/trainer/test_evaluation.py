from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score

from ictus.domain.enums import Finding
from trainer.calibrate import ErrorRates, HeldOut, Judged, fit, judge
from trainer.evaluation import EvaluationError, evaluate, expected_calibration_error, weighted
from trainer.evaluation.bootstrap import interval, patient_weights, whole
from trainer.evaluation.operating import operating_points, set_coverage
from trainer.recipe import Recipe

PATIENTS, SLICES = 30, 8


def judged_by(signal: float, seed: int = 0, patients: int = PATIENTS) -> Judged:
    """Patients of eight slices, every second with strokes on half of them; rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), SLICES)
    label = (patient % 2 == 1) & (np.arange(len(patient)) % SLICES < SLICES // 2)
    own = rng.normal(size=patients)[patient]  # slices of one patient are alike
    odds = signal * (label - 0.4) + 0.6 * own + rng.normal(size=len(patient))
    probability = np.round(1 / (1 + np.exp(-odds)), 2)
    count = len(patient)
    return Judged(probability, label, patient.astype(str), np.full(count, 0.2), np.full(count, 0.8))


@pytest.fixture
def judged() -> Judged:
    return judged_by(1.5)


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (weighted.roc_auc, roc_auc_score),
        (weighted.pr_auc, average_precision_score),
        (weighted.brier, brier_score_loss),
    ],
)
def test_weighted_figures_are_those_of_repeated_examples(judged: Judged, ours, reference) -> None:
    weights = patient_weights(judged.patient, judged.label, seed=3, resamples=20)
    expected = []
    for sample in weights:
        rows = np.repeat(np.arange(len(sample)), sample.astype(int))
        expected.append(reference(judged.label[rows], judged.probability[rows]))
    np.testing.assert_allclose(ours(judged.probability, judged.label, weights), expected, atol=1e-12)


def test_f1_is_that_of_scikit_learn(judged: Judged) -> None:
    by_name = {m.name: m.value for m in evaluate("slice", judged, seed=0)}
    assert by_name["f1"] == pytest.approx(f1_score(judged.label, judged.probability >= 0.5))


def test_calibration_error_does_not_depend_on_the_order_of_equal_probabilities() -> None:
    probability = np.repeat([0.2, 0.6], 50)
    label = np.concatenate([np.arange(50) < 10, np.arange(50) < 30])
    turned = np.concatenate([label[:50][::-1], label[50:][::-1]])
    for bins in (2, 7, 10):
        assert expected_calibration_error(probability, label, bins) == pytest.approx(0, abs=1e-12)
        assert expected_calibration_error(probability, turned, bins) == pytest.approx(0, abs=1e-12)


def test_calibration_error_is_the_distance_of_a_constant_bias() -> None:
    probability = np.linspace(0.3, 0.7, 1000)
    label = np.random.default_rng(0).random(1000) < probability - 0.2
    assert expected_calibration_error(probability, label) == pytest.approx(0.2, abs=0.03)


def test_patients_are_drawn_whole(judged: Judged) -> None:
    weights = patient_weights(judged.patient, judged.label, seed=1, resamples=50)
    by_patient = weights.reshape(50, PATIENTS, SLICES)
    assert (by_patient == by_patient[..., :1]).all()
    assert (by_patient[..., 0].sum(axis=1) == PATIENTS).all()


def test_no_sample_lacks_a_class() -> None:
    patient, label = np.array(["a", "b", "c"]), np.array([True, False, False])
    weights = patient_weights(patient, label, seed=0, resamples=200)
    assert (weights @ label > 0).all()
    assert (weights @ ~label > 0).all()


def test_one_class_alone_cannot_be_evaluated(judged: Judged) -> None:
    with pytest.raises(EvaluationError, match="with a stroke and"):
        evaluate("slice", replace(judged, label=np.zeros_like(judged.label)), seed=0)


def test_intervals_hold_the_truth_nineteen_times_in_twenty() -> None:
    """Slices of a patient are alike, so an interval that took them for independent would miss far more often."""
    truth = weighted.roc_auc(*_population(), whole(4000 * SLICES))[0]
    hits = 0
    for seed in range(100):
        j = judged_by(1.5, seed=seed)
        weights = patient_weights(j.patient, j.label, seed, resamples=200)
        found = interval(0.0, weighted.roc_auc(j.probability, j.label, weights))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 86 <= hits <= 99


def _population() -> tuple[np.ndarray, np.ndarray]:
    j = judged_by(1.5, seed=1000, patients=4000)
    return j.probability, j.label


def test_figure_that_is_not_defined_is_left_out(judged: Judged) -> None:
    never = replace(judged, probability=np.clip(judged.probability, 0.3, 0.45))
    names = {m.name for m in evaluate("slice", never, seed=0)}
    assert "confident_accuracy" not in names
    assert "precision" not in names
    assert {"sensitivity", "confident_share"} <= names


def test_more_sensitivity_costs_specificity(judged: Judged) -> None:
    weights = patient_weights(judged.patient, judged.label, seed=0, resamples=100)
    low, high = operating_points(judged, weights, targets=(0.7, 0.95))
    assert high.threshold < low.threshold
    assert high.sensitivity.value > low.sensitivity.value
    assert high.specificity.value < low.specificity.value
    matrix = high.confusion
    assert matrix.true_positive + matrix.false_negative == judged.label.sum()
    assert matrix.true_positive / judged.label.sum() == pytest.approx(high.sensitivity.value)


def test_operating_points_are_published_with_what_they_cost(judged: Judged) -> None:
    published = {m.name: m for m in evaluate("slice", judged, seed=0)}
    weights = patient_weights(judged.patient, judged.label, seed=0)
    (point,) = operating_points(judged, weights, targets=(0.95,))
    assert published["sensitivity_at_target_95"].value == point.sensitivity.value
    assert published["specificity_at_target_95"].low == point.specificity.low
    assert published["specificity_at_target_90"].value > published["specificity_at_target_95"].value


def test_threshold_of_a_patient_ignores_that_patient(judged: Judged) -> None:
    """A stroke patient far below all others is missed: their own slices must not lower the threshold."""
    sunk = judged.probability.copy()
    sunk[judged.patient == "1"] = 0.001
    odd = replace(judged, probability=np.maximum(sunk, 0.001))
    weights = patient_weights(odd.patient, odd.label, seed=0, resamples=50)
    point = operating_points(odd, weights, targets=(0.95,))[0]
    lone = odd.label & (odd.patient == "1")
    assert point.confusion.false_negative >= lone.sum()


def test_sensitivity_that_so_few_strokes_cannot_promise_calls_everything() -> None:
    j = judged_by(3)
    weights = patient_weights(j.patient, j.label, seed=0, resamples=50)
    point = operating_points(j, weights, targets=(0.999,))[0]
    assert (point.sensitivity.value, point.specificity.value) == (1, 0)


def test_sets_cover_each_finding_as_promised() -> None:
    """Limits fitted on half of the patients hold for the other half."""
    rng, count = np.random.default_rng(2), 8000
    label = np.arange(count) % 2 == 0
    patient = np.arange(count).astype(str)
    logits = np.stack([np.zeros(count), rng.normal(size=count) + 1.5 * label], axis=1).astype(np.float32)
    first = np.arange(count) < count // 2
    recipe = Recipe(stroke_error_rate=0.05, normal_error_rate=0.2)
    everything = HeldOut(logits, label, patient)
    slices, _ = judge(everything.take(~first), fit(everything.take(first), recipe), recipe.aggregation)
    weights = patient_weights(slices.patient, slices.label, seed=0, resamples=50)
    stroke, normal = set_coverage(slices, ErrorRates(0.05, 0.2), weights)
    assert (stroke.finding, normal.finding) == (Finding.STROKE, Finding.NORMAL)
    assert stroke.covered.value == pytest.approx(0.95, abs=0.015)
    assert normal.covered.value == pytest.approx(0.80, abs=0.03)
    for row in (stroke, normal):
        parts = (row.sent_to_readers, row.confidently_right, row.confidently_wrong)
        assert sum(part.value for part in parts) == pytest.approx(1)
        assert row.confidently_wrong.value == pytest.approx(1 - row.covered.value)


def test_misleading_study_score_is_flattened_not_turned() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2 == 0
    against = np.stack([np.zeros(60), -3.0 * label + rng.normal(size=60)], axis=1).astype(np.float32)
    fitted = fit(HeldOut(against, label, np.arange(60).astype(str)), Recipe())
    assert fitted.calibration.study_slope == pytest.approx(1e-3)
    assert fitted.calibration.study_intercept == pytest.approx(0, abs=1e-9)
