import numpy as np
import pytest

from ictus.domain.enums import Finding
from ictus.model.aggregation import Aggregation, SliceContext, aggregate
from ictus.model.calibration import Calibration, log_odds, sigmoid, slice_probabilities, study_probability
from ictus.model.conformal import ConformalQuantiles, fit_quantiles, prediction_set


def quantiles(stroke_floor: float, normal_floor: float) -> ConformalQuantiles:
    return ConformalQuantiles(
        stroke_floor=stroke_floor, normal_floor=normal_floor, stroke_error_rate=0.05, normal_error_rate=0.1
    )


def test_temperature_softens_without_changing_the_order() -> None:
    logits = np.array([[0.0, 2.0], [1.0, -3.0]])
    sharp = slice_probabilities(logits, Calibration(temperature=1))
    soft = slice_probabilities(logits, Calibration(temperature=4))
    np.testing.assert_allclose(sharp.sum(axis=1), 1)
    assert 0.5 < soft[0, 1] < sharp[0, 1] == pytest.approx(1 / (1 + np.exp(-2)))


def test_bias_moves_the_odds() -> None:
    probability = slice_probabilities(np.zeros((1, 2)), Calibration(temperature=1, bias=(0.0, -2.0)))
    assert probability[0, 1] == pytest.approx(1 / (1 + np.exp(2)))


def test_huge_logits_stay_finite() -> None:
    probabilities = slice_probabilities(np.array([[1e4, -1e4]]), Calibration(temperature=0.01))
    assert probabilities.tolist() == [[1, 0]]
    assert np.isfinite(log_odds(probabilities)).all()


def test_study_probability_is_platt_scaled() -> None:
    calibration = Calibration(temperature=1, study_slope=2, study_intercept=-1)
    assert study_probability(0.8, calibration) == pytest.approx(float(sigmoid(2 * np.log(4) - 1)))


def test_series_score_is_the_mean_of_its_worst_usable_slices() -> None:
    stroke = np.array([0.1, 0.9, 0.2, 0.7, 0.8, 0.0])
    usable = np.array([True, False, True, True, True, True])
    score = aggregate(
        stroke, usable, Aggregation(k=2, minimum_slices=5, key_slices=3), Calibration(temperature=1)
    )
    assert score.key_slices == (4, 3, 2)
    assert score.probability == pytest.approx(0.75)
    assert score.is_study_level


def test_few_slices_are_read_as_slices() -> None:
    calibration = Calibration(temperature=1, study_slope=5, study_intercept=3)
    score = aggregate(np.array([0.3]), np.array([True]), Aggregation(), calibration)
    assert score.probability == pytest.approx(0.3)
    assert not score.is_study_level


CONTEXT = SliceContext(own=0.5, neighbours=0.5, further=0.2, strongest=0.1, mean=0.0, intercept=-0.3)


def test_a_lone_slice_is_believed_less_than_one_among_its_like() -> None:
    lone, among = np.full(9, 0.05), np.full(9, 0.05)
    lone[4] = among[3:6] = 0.8
    usable = np.ones(9, dtype=bool)
    scores = [
        aggregate(stroke, usable, Aggregation(context=CONTEXT), Calibration(temperature=1))
        for stroke in (lone, among)
    ]
    assert scores[0].slice_probabilities[4] < scores[1].slice_probabilities[4]
    assert scores[1].key_slices[:3] in {(4, 3, 5), (4, 5, 3)}


def test_the_context_is_the_logistic_regression_it_says_it_is() -> None:
    stroke = np.array([0.1, 0.2, 0.9, 0.4, 0.3, 0.2, 0.1, 0.3])
    own = log_odds(stroke)
    strongest, mean = np.sort(own)[-2:].mean(), own.mean()
    expected = 0.5 * own[2] + 0.5 * (own[1] + own[3]) / 2 + 0.2 * (own[0] + own[4]) / 2
    expected += 0.1 * strongest + 0.0 * mean - 0.3
    usable = np.ones(8, dtype=bool)
    score = aggregate(stroke, usable, Aggregation(k=2, context=CONTEXT), Calibration(temperature=1))
    assert score.slice_probabilities[2] == pytest.approx(float(sigmoid(expected)))
    assert score.probability == pytest.approx(float(np.mean([0.9, 0.4])), abs=1e-6)


def test_slices_that_may_not_speak_are_left_out_of_the_context() -> None:
    stroke = np.array([0.1, 0.1, 0.99, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    usable = np.arange(9) != 2
    context = Aggregation(context=CONTEXT)
    with_fault = aggregate(stroke, usable, context, Calibration(temperature=1))
    without = aggregate(stroke[usable], usable[usable], context, Calibration(temperature=1))
    np.testing.assert_allclose(with_fault.slice_probabilities[usable], without.slice_probabilities)
    assert with_fault.slice_probabilities[2] == 0.99


def test_few_slices_have_no_context() -> None:
    score = aggregate(
        np.array([0.3, 0.6]), np.array([True, True]), Aggregation(context=CONTEXT), Calibration(temperature=1)
    )
    np.testing.assert_array_equal(score.slice_probabilities, [0.3, 0.6])


def test_series_without_a_usable_slice_has_no_score() -> None:
    with pytest.raises(ValueError, match="no usable slice"):
        aggregate(np.array([0.3]), np.array([False]), Aggregation(), Calibration(temperature=1))


@pytest.mark.parametrize(
    ("probability", "left"),
    [
        (0.05, {Finding.NORMAL}),
        (0.2, {Finding.NORMAL}),
        (0.4, {Finding.NORMAL, Finding.STROKE}),
        (0.7, {Finding.STROKE}),
        (0.95, {Finding.STROKE}),
    ],
)
def test_set_of_findings_that_are_left(probability: float, left: set[Finding]) -> None:
    assert prediction_set(probability, quantiles(0.2, 0.3)) == left


def test_between_well_separated_classes_nothing_is_ruled_out() -> None:
    assert prediction_set(0.5, quantiles(0.8, 0.9)) == set(Finding)


def test_finding_that_is_less_probable_than_the_other_is_never_left_alone() -> None:
    low = quantiles(0.1, 0.9)
    assert low.stroke_at_least == 0.5
    assert prediction_set(0.3, low) == set(Finding)


def test_fitted_limits_miss_no_more_than_the_error_rate() -> None:
    rng = np.random.default_rng(0)
    stroke, normal = rng.beta(5, 2, 400), rng.beta(2, 5, 400)
    fitted = fit_quantiles(np.concatenate([stroke, normal]), np.repeat([True, False], 400), 0.05, 0.1)
    new_stroke, new_normal = rng.beta(5, 2, 4000), rng.beta(2, 5, 4000)
    assert (new_stroke < fitted.stroke_floor).mean() == pytest.approx(0.05, abs=0.02)
    assert (1 - new_normal < fitted.normal_floor).mean() == pytest.approx(0.1, abs=0.03)


def test_too_few_examples_rule_nothing_out() -> None:
    fitted = fit_quantiles(np.array([0.9, 0.1]), np.array([True, False]), 0.05, 0.1)
    assert (fitted.stroke_floor, fitted.normal_floor) == (0, 0)
    assert prediction_set(0.3, fitted) == set(Finding)
