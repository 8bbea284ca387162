"""Patients where nobody said who they are: examples that belong together, put together.

Three traces join examples: the same stated group; a picture that comes twice (``trainer.data.leakage``), whoever is
stated to be on it; and neighbours in number whose pictures continue one another. Joining is transitive and errs on the side
of too few patients: two patients taken for one cost a little power, one patient taken for two is a leak.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainer.data.dataset import Dataset
from trainer.data.leakage import Fingerprints, duplicate_pairs, fingerprints

Int64 = NDArray[np.int64]

CONTINUES: Final = 0.88
"""Correlation of the small pictures from which the next number shows the same head: docs/decisions/0087."""


@dataclass(frozen=True)
class Grouping:
    """Who is taken for one patient.

    Attributes:
        groups: (n,) the group of each example, named by the first stated patient in it, in the data set's order.
        torn: (n,) whether the group has both labels although a label speaks of the patient.
        by_duplicates: how many stated patients were joined to another by a picture that comes twice.
        by_runs: likewise by the run of numbers, and by nothing else.
    """

    groups: NDArray[np.str_]
    torn: NDArray[np.bool_]
    by_duplicates: int
    by_runs: int


def group_patients(dataset: Dataset) -> Grouping:
    """Join what belongs together.

    Args:
        dataset: examples whose patient is a guess and whose number counts through the whole folder, as of a
            collection that was numbered patient after patient.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    patients, known = np.unique(dataset.patients, return_inverse=True)
    prints = fingerprints(dataset)
    twice = duplicate_pairs(prints)
    by_duplicates = _joined(len(patients), known[twice])
    runs = _runs(dataset, prints)
    everything = _joined(len(patients), known[np.concatenate([twice, runs])])
    groups = patients[everything[known]]
    stroke, normal = set(groups[dataset.labels]), set(groups[~dataset.labels])
    separate = len(np.unique(by_duplicates))
    return Grouping(
        groups=groups,
        torn=np.isin(groups, sorted(stroke & normal)),
        by_duplicates=len(patients) - separate,
        by_runs=separate - len(np.unique(everything)),
    )


def _runs(dataset: Dataset, prints: Fingerprints) -> Int64:
    """(m, 2) neighbours in number, of one label, whose pictures continue one another."""
    at = {(s.is_stroke, s.number): position for position, s in enumerate(dataset.slices)}
    pairs = [
        (position, at[stroke, number + 1])
        for (stroke, number), position in at.items()
        if (stroke, number + 1) in at
    ]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    alike = np.einsum("ij,ij->i", prints.pictures[found[:, 0]], prints.pictures[found[:, 1]])
    kept: Int64 = found[alike >= CONTINUES]
    return kept


def _joined(count: int, pairs: Int64) -> Int64:
    """(count,) the smallest member of the connected group that each of ``count`` things is in."""
    root = list(range(count))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for first, second in pairs.tolist():
        a, b = find(first), find(second)
        root[max(a, b)] = min(a, b)
    return np.array([find(one) for one in range(count)], dtype=np.int64)
