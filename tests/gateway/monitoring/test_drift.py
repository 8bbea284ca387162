"""The measures of drift against what others compute, and how often they call chance a drift."""

import numpy as np
import pytest
from scipy import stats

from gateway.monitoring.drift import (
    bins_for,
    categories_p_value,
    fall_p_value,
    joined,
    kolmogorov_p_value,
    stability_index,
)

SEED = 20261124


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5])
@pytest.mark.parametrize(("before", "now"), [(60, 60), (400, 90), (2000, 500)])
def test_the_ks_p_value_is_that_of_scipy(shift: float, before: int, now: int) -> None:
    random = np.random.default_rng(SEED)
    reference, current = random.normal(size=before), random.normal(shift, size=now)
    told = stats.ks_2samp(reference, current, method="exact" if before == now == 60 else "auto")
    mine = kolmogorov_p_value(told.statistic, before, now)
    assert mine == pytest.approx(told.pvalue, rel=0.15, abs=0.02)


def test_the_index_is_that_of_its_definition() -> None:
    reference, current = [100, 200, 300, 400], [400, 300, 200, 100]
    shares = (
        np.array([[101, 201, 301, 401], [401, 301, 201, 101]]) / 1004
    )  # the half study hardly counts here
    expected = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    assert stability_index(reference, current) == pytest.approx(expected, rel=0.01)
    assert stability_index(reference, [2 * count for count in reference]) == pytest.approx(0, abs=1e-4)


def test_an_empty_bin_gives_a_large_and_finite_index() -> None:
    assert 2 < stability_index([0, 500], [500, 0]) < 20


def test_histograms_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="same bins"):
        stability_index([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="neither empty"):
        stability_index([0, 0], [1, 2])


@pytest.mark.parametrize("categories", [2, 3, 4, 7, 10])
@pytest.mark.parametrize("scaled", [0.1, 2.0, 9.0, 40.0])
def test_the_p_value_of_categories_is_scipys_of_chi_square(categories: int, scaled: float) -> None:
    index = scaled * (300 + 100) / (300 * 100)
    expected = stats.chi2.sf(scaled, categories - 1)
    assert categories_p_value(index, 300, 100, categories) == pytest.approx(expected, rel=1e-9)
    assert categories_p_value(0.5, 300, 100, 1) == 1.0


@pytest.mark.parametrize(
    "shares", [[0.6, 0.3, 0.07, 0.03], [0.3, 0.2, 0.2, 0.1, 0.08, 0.05, 0.03, 0.02, 0.01, 0.01]]
)
def test_chance_alone_rarely_passes_the_test_of_categories(shares: list[float]) -> None:
    random = np.random.default_rng(SEED)
    called = 0
    for _ in range(1000):
        before, now = random.multinomial(400, shares), random.multinomial(150, shares)
        index = stability_index(before.tolist(), now.tolist())
        called += categories_p_value(index, 400, 150, len(shares)) < 0.01
    assert called <= 25, "about 10 of 1000 are expected"


def test_bins_lie_where_the_values_do_and_lose_none() -> None:
    random = np.random.default_rng(SEED)
    values = random.normal(0.55, 0.02, 2000)
    fine = np.histogram(values, bins=200, range=(0, 1))[0].tolist()
    begins, width = bins_for(fine, 10)
    assert 0.45 < begins / 200 < 0.53
    assert 0.57 < (begins + 10 * width) / 200 < 0.65
    found = joined(fine, begins, width, 10)
    assert sum(found) == 2000
    assert sum(count > 50 for count in found) >= 6, "ten bins over 0..1 would hold them in two"
    shifted = np.histogram(values + 0.04, bins=200, range=(0, 1))[0].tolist()
    assert stability_index(found, joined(shifted, begins, width, 10)) > 1


@pytest.mark.parametrize("place", [0, 3, 100, 197, 199])
def test_bins_for_values_that_are_all_alike_stay_on_the_scale(place: int) -> None:
    fine = [0] * 200
    fine[place] = 60
    begins, width = bins_for(fine, 10)
    assert width == 1
    assert 0 <= begins <= 190
    assert joined(fine, begins, width, 10)[place - begins] == 60


def test_bins_for_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        bins_for([0] * 200, 10)


def test_a_fall_is_told_from_chance() -> None:
    assert fall_p_value(0.9, 200, 0.7, 100) < 0.001
    assert fall_p_value(0.9, 200, 0.88, 50) > 0.2
    assert fall_p_value(1.0, 50, 1.0, 50) == 1.0
