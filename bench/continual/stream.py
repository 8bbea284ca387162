"""Who is in which part: base, old test, stream and new test, with no patient in two of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.continual.embeddings import TwoScanners
from trainer.exemplars import Embedded

Int64 = NDArray[np.int64]

ROUNDS: Final = 10
_OLD_TEST: Final = 0.4
"""Of the patients whom the first scanner keeps: the others teach the base model."""
_NEW_TEST: Final = 0.4
"""Of the patients whom the second scanner gets: the others come in the stream."""
_MOVED: Final = 0.5
"""Of the patients without the new presentation, whom the second scanner gets."""


@dataclass(frozen=True)
class Stream:
    """One division of the patients.

    Attributes:
        base: the first scanner, without the new presentation: what the first model learns.
        old_test: likewise, of other patients: what must not be forgotten.
        rounds: the second scanner, with the new presentation: what comes bit by bit.
        new_test: likewise, of other patients: what is to be learned.
    """

    base: Embedded
    old_test: Embedded
    rounds: tuple[Embedded, ...]
    new_test: Embedded


def divide(scanners: TwoScanners, seed: int) -> Stream:
    """Divide the patients by drawing, those with a stroke and those without by themselves."""
    random = np.random.default_rng(seed)
    presents = np.unique(scanners.patients[scanners.presentation])
    with_stroke = np.setdiff1d(np.unique(scanners.patients[scanners.labels == 1]), presents)
    without = np.setdiff1d(np.unique(scanners.patients), np.concatenate([presents, with_stroke]))
    base, old, stream, new = ([] for _ in range(4))
    for group, moved in ((presents, 1.0), (with_stroke, _MOVED), (without, _MOVED)):
        drawn = random.permutation(group)
        second, first = np.split(drawn, [round(moved * len(drawn))])
        for patients, share, test, learned in (
            (first, _OLD_TEST, old, base),
            (second, _NEW_TEST, new, stream),
        ):
            kept, rest = np.split(patients, [round(share * len(patients))])
            test.append(kept)
            learned.append(rest)
    return Stream(
        base=_of(scanners, scanners.first, np.concatenate(base)),
        old_test=_of(scanners, scanners.first, np.concatenate(old)),
        rounds=tuple(_of(scanners, scanners.second, part) for part in _dealt(stream)),
        new_test=_of(scanners, scanners.second, np.concatenate(new)),
    )


def _dealt(groups: list[Int64]) -> list[Int64]:
    """Patients of each group dealt out over the rounds in turn."""
    order = np.concatenate(groups)
    return [order[number::ROUNDS] for number in range(ROUNDS)]


def _of(scanners: TwoScanners, embedding: NDArray[np.float32], patients: Int64) -> Embedded:
    rows = np.isin(scanners.patients, patients)
    return Embedded(embedding[rows], scanners.labels[rows], scanners.patients[rows])
