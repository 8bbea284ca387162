"""How far a window of values has moved from a reference: the population stability index and the two-sample KS test.

Both are asked. The index says how large a shift is, but it is above zero for two samples of the same source too, the
more the smaller they are; the test says whether chance explains it, but calls the tiniest shift significant when there
are enough values. An alarm needs both: a shift that is large and is not chance.

Sources: Siddiqi, Credit Risk Scorecards (2006), for the index; Smirnov, Ann Math Stat 1948;19:279-281, with the
correction for small samples of Stephens, J R Stat Soc B 1970;32:115-122, for the test.
"""

import math
from collections.abc import Sequence
from typing import Final

_HALF_A_STUDY: Final = 0.5
"""Added to every bin, so that an empty one gives a large index and not an infinite one."""

_OUTERMOST: Final = 0.01
_TERMS: Final = 100
_SMALLEST_LAMBDA: Final = 0.2
"""Below it the series converges slowly, and the p-value is 1 in every digit that is shown."""


def stability_index(reference: Sequence[int], current: Sequence[int]) -> float:
    """The population stability index of two histograms over the same bins, 0 when they have the same shape.

    Raises:
        ValueError: the histograms have different bins, or one is empty.
    """
    bins = len(reference)
    if bins != len(current) or not sum(reference) or not sum(current):
        raise ValueError("two histograms over the same bins, neither empty")
    before_all = sum(reference) + bins * _HALF_A_STUDY
    now_all = sum(current) + bins * _HALF_A_STUDY
    index = 0.0
    for before_count, now_count in zip(reference, current, strict=True):
        before = (before_count + _HALF_A_STUDY) / before_all
        now = (now_count + _HALF_A_STUDY) / now_all
        index += (now - before) * math.log(now / before)
    return index


def kolmogorov_p_value(distance: float, reference: int, current: int) -> float:
    """The chance of a distance at least so large between two samples of one source (two-sided, asymptotic).

    Args:
        distance: the largest difference of the two empirical distributions, 0..1.
        reference: values in the one sample, at least 1.
        current: values in the other, at least 1.
    """
    effective = math.sqrt(reference * current / (reference + current))
    scaled = (effective + 0.12 + 0.11 / effective) * distance
    if scaled < _SMALLEST_LAMBDA:
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, _TERMS))
    return min(1.0, max(0.0, 2 * sum(terms)))


def categories_p_value(index: float, reference: int, current: int, categories: int) -> float:
    """The chance of a stability index at least so large over so many categories, when nothing has moved.

    The index times n·m / (n + m) follows a chi-square distribution of one degree of freedom less than there are
    categories (Yurdakul and Naranjo, J Risk Model Validation 2020;14(4):89-100).
    """
    return _chi_square_survival(index * reference * current / (reference + current), categories - 1)


def _chi_square_survival(value: float, freedom: int) -> float:
    """The chance of at least ``value`` by the recurrence over degrees of freedom (Abramowitz and Stegun 26.4.8)."""
    if freedom < 1:
        return 1.0
    half = value / 2
    chance = math.erfc(math.sqrt(half)) if freedom % 2 else math.exp(-half)
    for lower in range(1 if freedom % 2 else 2, freedom, 2):
        chance += half ** (lower / 2) * math.exp(-half) / math.gamma(lower / 2 + 1)
    return min(1.0, chance)


def bins_for(counts: Sequence[int], bins: int) -> tuple[int, int]:
    """Where equal bins lie best over a finer histogram: (the first one's place, how many fine bins each joins).

    They span all of the counts but the outermost hundredth at either end; what lies outside belongs in the bins at the
    ends. Without it, ten bins over the whole scale would leave a narrow figure in one of them, and nothing would shift.

    Raises:
        ValueError: the histogram is empty, or finer by no whole number of bins.
    """
    everything = sum(counts)
    if not everything or len(counts) % bins:
        raise ValueError("a histogram that is not empty, of a multiple of the bins")
    running, first, last = 0, None, 0
    for place, count in enumerate(counts):
        running += count
        if first is None and running > everything * _OUTERMOST:
            first = place
        if count and running - count < everything * (1 - _OUTERMOST):
            last = place
    first = first or 0
    width = -(-(last - first + 1) // bins)
    begins = first - (width * bins - (last - first + 1)) // 2
    return max(0, min(begins, len(counts) - width * bins)), width


def joined(counts: Sequence[int], begins: int, width: int, bins: int) -> list[int]:
    """A finer histogram in the bins that ``bins_for`` gives."""
    found = [0] * bins
    for place, count in enumerate(counts):
        found[max(0, min(bins - 1, (place - begins) // width))] += count
    return found


def fall_p_value(before: float, reference: int, now: float, current: int) -> float:
    """The chance that a share falls from ``before`` to ``now`` or further without any change (one-sided z-test)."""
    pooled = (before * reference + now * current) / (reference + current)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / reference + 1 / current))
    if spread == 0:
        return 1.0
    return 0.5 * math.erfc((before - now) / spread / math.sqrt(2))
