"""How far two sides that judged the same things agree."""

from collections import Counter
from collections.abc import Hashable, Mapping


def cohens_kappa(pairs: Mapping[tuple[Hashable, Hashable], int]) -> float | None:
    """Cohen's kappa (Cohen 1960): agreement beyond what chance explains, at most 1, 0 for chance alone.

    Args:
        pairs: how often the one side said the first and the other the second.

    Returns:
        None when there are no pairs, or when both sides always said one and the same thing: then chance explains all.
    """
    total = sum(pairs.values())
    if total == 0:
        return None
    ones: Counter[Hashable] = Counter()
    others: Counter[Hashable] = Counter()
    agreed = 0
    for (one, other), count in pairs.items():
        ones[one] += count
        others[other] += count
        agreed += count if one == other else 0
    by_chance = sum(count * others[said] for said, count in ones.items())
    if by_chance == total * total:
        return None
    return (agreed * total - by_chance) / (total * total - by_chance)
