import pytest
from sklearn.metrics import cohen_kappa_score

from ictus.model.agreement import cohens_kappa


def test_it_is_what_scikit_learn_says() -> None:
    pairs = {("s", "s"): 20, ("s", "n"): 5, ("n", "s"): 10, ("n", "n"): 65, (None, "n"): 3, (None, None): 2}
    ones = [str(one) for (one, _), count in pairs.items() for _ in range(count)]
    others = [str(other) for (_, other), count in pairs.items() for _ in range(count)]
    assert cohens_kappa(pairs) == pytest.approx(cohen_kappa_score(ones, others))


def test_perfect_agreement_is_one_and_chance_is_none() -> None:
    assert cohens_kappa({("s", "s"): 3, ("n", "n"): 9}) == 1
    assert cohens_kappa({("s", "s"): 1, ("s", "n"): 1, ("n", "s"): 1, ("n", "n"): 1}) == 0


def test_nothing_is_said_where_nothing_can_be() -> None:
    assert cohens_kappa({}) is None
    assert cohens_kappa({("n", "n"): 40}) is None
