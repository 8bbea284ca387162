"""Which slices an epoch shows, in which view and in which order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from trainer.training.activations import KeptActivations
from trainer.training.params import TrainingParams

Int64 = NDArray[np.int64]

_INNER_FOLDS = 5
"""One part in so many of the patients that are learned from decides when training stops."""


class Batch(NamedTuple):
    """Slices, the group of views that each is shown from, and what each shows then."""

    rows: Int64
    groups: Int64
    labels: Int64


class _Pool(NamedTuple):
    """Slices that an epoch shows, from painted views or from the others."""

    rows: Int64
    painted: bool


@dataclass(frozen=True)
class Sampler:
    """Draws the epochs of one run.

    Attributes:
        activations: what is kept of which slice.
        rows: slices that may be shown.
        labels: (n,) class indices of all slices; the last class is stroke.
        patients: (n,) whose each is.
        classes: number of classes.
        params: batch size and balance.
        seed: of the run.
    """

    activations: KeptActivations
    rows: Int64
    labels: Int64
    patients: NDArray[np.str_]
    classes: int
    params: TrainingParams
    seed: int

    def steps(self) -> int:
        """Batches in an epoch."""
        return len(self._cuts(sum(len(pool.rows) for pool in self._drawn(0)))) + 1

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; the same ``seed`` and ``number`` always give the same."""
        random = np.random.default_rng((self.seed, number))
        pools = self._drawn(number)
        rows = np.concatenate([pool.rows for pool in pools])
        groups = np.concatenate([self._groups(pool, random) for pool in pools])
        labels = np.concatenate([self._truth(pool) for pool in pools])
        order = random.permutation(len(rows))
        for chosen in np.split(order, self._cuts(len(order))):
            yield Batch(rows[chosen], groups[chosen], labels[chosen])

    def _drawn(self, number: int) -> list[_Pool]:
        """The slices of an epoch, in no particular order."""
        random = np.random.default_rng((self.seed, number, 1))
        stroke = self.labels[self.rows] == self.classes - 1
        positives, negatives = self.rows[stroke], self.rows[~stroke]
        if self.params.positives_per_epoch and len(positives):
            positives = self._dealt(positives, self.params.positives_per_epoch, random)
        if self.params.negatives_per_epoch:
            negatives = random.permutation(negatives)[: self.params.negatives_per_epoch]
        painted = self.rows[
            (self.activations.places[self.activations.painted][:, self.rows] >= 0).any(axis=0)
        ]
        painted = random.permutation(painted)[: self.params.painted_per_epoch]
        return [
            _Pool(positives, painted=False),
            _Pool(negatives, painted=False),
            _Pool(painted, painted=True),
        ]

    def _dealt(self, positives: Int64, count: int, random: np.random.Generator) -> Int64:
        """Slices dealt out to their patients in turn, in another order each round, so that none is missed."""
        patients, member = np.unique(self.patients[positives], return_inverse=True)
        slices_of = [positives[member == patient] for patient in range(len(patients))]
        rounds = -(-count // len(patients))
        turns = np.concatenate([random.permutation(len(patients)) for _ in range(rounds)])[:count]
        return np.array([random.choice(slices_of[turn]) for turn in turns], dtype=np.int64)

    def _groups(self, pool: _Pool, random: np.random.Generator) -> Int64:
        """A view for each slice, among those it has."""
        has = (self.activations.places[:, pool.rows] >= 0) & (self.activations.painted == pool.painted)[
            :, None
        ]
        lots = np.where(has, random.random(has.shape), -1.0)
        return np.asarray(lots.argmax(axis=0), dtype=np.int64)

    def _truth(self, pool: _Pool) -> Int64:
        return np.full(len(pool.rows), self.classes - 1) if pool.painted else self.labels[pool.rows]

    def _cuts(self, count: int) -> list[int]:
        """Where batches end; a last one of a single slice joins the one before, as batch norm needs two."""
        cuts = list(range(self.params.batch_size, count, self.params.batch_size))
        return cuts[:-1] if cuts and count - cuts[-1] == 1 else cuts


def kept_aside(rows: Int64, labels: Int64, patients: NDArray[np.str_], seed: int) -> tuple[Int64, Int64]:
    """Part rows by patient: what is learned from, and what decides when to stop."""
    parts = min(_INNER_FOLDS, len(np.unique(patients[rows])))
    inner = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed)
    learn, stop = next(inner.split(rows[:, np.newaxis], labels[rows], patients[rows]))
    return rows[learn], rows[stop]
