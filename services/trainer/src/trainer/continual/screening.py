"""Which confirmed cases are learned from: one-sided and doubtful ones are left out, and counted for the gate.

A wrong verdict looks like a correction. Two things tell them apart: no single reader may carry a data set, and a case
whose finding both the champion and the nearest slices of other patients speak against is held back until somebody
looked again. Where the champion knows nothing, as of a new scanner, only readers can tell of each other: one whose
findings most of the others' look-alikes contradict is for the gate to stop. Two who err alike confirm each other, so a pair that decided most is held
against the others as one, and there must be others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ictus.model.calibration import Calibration, slice_probabilities
from ictus.model.permitted_changes import AgainstPoisoning
from trainer.continual.cases import ConfirmedSlices, by_case, mean_by_case
from trainer.exemplars import Embedded
from trainer.network import FusionHead
from trainer.training.head import predict

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

BY_CHANCE: Final = 0.5
_SURE: Final = 2.326
"""Standard errors below a mean that it exceeds in 99 of 100 cases."""
_FEWEST_JUDGED: Final = 4
"""Cases of a reader without which others' look-alikes say nothing of them."""
_LOOK_ALIKES: Final = 3
"""Nearest slices of other readers' cases that are asked of each slice."""


class Contradiction(NamedTuple):
    """How far others' look-alikes say the contrary of some readers' findings: 0.5 is what chance gives, 1 always.

    Attributes:
        share: as measured.
        at_least: it is not less, as far as chance over patients goes (one-sided 99 % limit).
    """

    share: float
    at_least: float

    def is_above(self, bound: float) -> bool:
        """Whether it is above the bound and not what chance gives."""
        return self.share > bound and self.at_least > BY_CHANCE


NOBODY_ASKED: Final = Contradiction(0.0, 0.0)


@dataclass(frozen=True)
class Pairs:
    """The pairs of readers that decided half of the new cases or more.

    Attributes:
        witnesses: new cases of all other readers, of the finding of which there are fewer; of the pair with the fewest.
        contradiction: of the pair that the others contradict most surely.
    """

    witnesses: int
    contradiction: Contradiction


@dataclass(frozen=True)
class Screened:
    """What is left of a data set, and what was found in it.

    Attributes:
        slices: what may be learned from.
        new_cases: new cases before anything was left out.
        over_share: new cases left out because their reader gave too many.
        doubtful: new cases held back because champion and neighbours speak against them.
        readers: who decided the new cases that are left.
        largest_share: of those cases, the share of the reader with the most.
        contradiction: of the reader, among those with enough new cases, whom the others contradict most surely.
        pairs: two readers who decided most; None when no two did.
    """

    slices: ConfirmedSlices
    new_cases: int
    over_share: int
    doubtful: int
    readers: int
    largest_share: float
    contradiction: Contradiction
    pairs: Pairs | None

    @property
    def doubtful_share(self) -> float:
        """Of the new cases that were looked at, 0..1."""
        looked_at = self.new_cases - self.over_share
        return self.doubtful / looked_at if looked_at else 0.0


def screen(
    slices: ConfirmedSlices,
    replay: Embedded,
    champion: FusionHead,
    calibration: Calibration,
    params: AgainstPoisoning,
    seed: int,
) -> Screened:
    """Leave out what no version should learn from.

    Args:
        slices: the data set version.
        replay: what the champion learned from.
        champion: its head.
        calibration: of the champion.
        params: of the permitted changes.
        seed: of the choice among a reader's cases.
    """
    cases, member = by_case(slices)
    first = np.unique(member, return_index=True)[1]
    reader, new = slices.readers[first], slices.new[first]
    kept = _within_share(reader, new, params.reader_share, seed)
    over_share = int((~kept).sum())
    doubtful = _doubtful(slices, replay, champion, calibration, params) & new & kept
    kept &= ~doubtful
    left = reader[kept & new]
    counts = np.unique(left, return_counts=True)[1]
    remaining = slices.take(np.isin(slices.cases, cases[kept]))
    new_slices = remaining.take(remaining.new)
    return Screened(
        slices=remaining,
        new_cases=int(new.sum()),
        over_share=over_share,
        doubtful=int(doubtful.sum()),
        readers=len(counts),
        largest_share=float(counts.max() / counts.sum()) if len(counts) else 0.0,
        contradiction=_contradiction(new_slices),
        pairs=pairs_of(new_slices),
    )


def hidden(head: FusionHead, embedding: Float32) -> Float32:
    """(n, features) to (n, hidden) unit vectors: what the champion tells slices apart by, before it decides."""
    with torch.no_grad():
        inside = head.eval().represent(torch.from_numpy(np.ascontiguousarray(embedding))).numpy()
    length = np.linalg.norm(inside, axis=1, keepdims=True)
    return np.asarray(inside / np.maximum(length, 1e-12), dtype=np.float32)


def _within_share(reader: Int64, new: Bool, share: float, seed: int) -> Bool:
    """(cases,) what is left when no reader has more than ``share`` of the new cases; old ones stay.

    A reader who is alone keeps all: that there must be others is for the gate to say.
    """
    kept = np.ones(len(reader), dtype=np.bool_)
    names, counts = np.unique(reader[new], return_counts=True)
    if len(names) < 2 or share >= 1:
        return kept
    limits = counts.copy()
    for _ in names:  # lowering one may make the next one the largest
        most = int(limits.argmax())
        others = int(limits.sum() - limits[most])
        allowed = int(share / (1 - share) * others + 1e-9)
        if limits[most] <= allowed:
            break
        limits[most] = allowed
    random = np.random.default_rng((seed, 1))
    for name, limit in zip(names, limits, strict=True):
        own = random.permutation(np.flatnonzero(new & (reader == name)))
        kept[own[limit:]] = False
    return kept


def _doubtful(
    slices: ConfirmedSlices,
    replay: Embedded,
    champion: FusionHead,
    calibration: Calibration,
    params: AgainstPoisoning,
) -> Bool:
    """(cases,) whether the champion contradicts a case strongly and its neighbours do too."""
    spread = slice_probabilities(predict(champion, slices.embedding), calibration)
    other_finding = spread[np.arange(len(slices)), 1 - slices.labels]
    contradicted = mean_by_case(other_finding, slices) >= params.contradiction
    others = _neighbours_against(slices, replay, champion, params.neighbours)
    return np.asarray(contradicted & (mean_by_case(others, slices) >= params.neighbour_share))


def _others_against(new: ConfirmedSlices, of: Bool) -> Contradiction | None:
    """How far the others' slices that look most like those ``of`` some readers say the contrary.

    Look-alikes are the nearest by the direction from the cases' own middle: what all slices of a new scanner have in
    common would drown what tells them apart. The champion is not asked: it may know nothing of them. None where there
    is nobody to ask.
    """
    if of.all() or not of.any():
        return None
    away = new.embedding - new.embedding.mean(axis=0)
    away = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    alike = away[of] @ away[~of].T
    alike[new.patients[of][:, None] == new.patients[~of][None, :]] = -np.inf
    count = min(_LOOK_ALIKES, alike.shape[1])
    nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    known = np.isfinite(np.take_along_axis(alike, nearest, axis=1)).all(axis=1)
    against = (new.labels[~of][nearest] != new.labels[of][:, None]).mean(axis=1)
    found = []
    for label in (0, 1):
        own = known & (new.labels[of] == label)
        if own.any():
            by_chance = float((new.labels[~of] != label).mean())
            found.append(_mean_of_patients(against[own] - by_chance, new.patients[of][own]))
    if not found:
        return None
    excess = sum(mean for mean, _ in found) / len(found)
    error = float(np.sqrt(sum(error**2 for _, error in found))) / len(found)
    return Contradiction(0.5 + excess, 0.5 + excess - _SURE * error)


def _mean_of_patients(values: NDArray[np.floating], patients: Int64) -> tuple[float, float]:
    """The mean over patients, whose slices are alike, and its standard error; of one patient it may be anything."""
    _, member = np.unique(patients, return_inverse=True)
    means = np.bincount(member, weights=values) / np.bincount(member)
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.5


def _contradiction(new: ConfirmedSlices) -> Contradiction:
    """Of the reader with enough cases whom the others contradict most surely."""
    found = [
        _others_against(new, own)
        for reader in np.unique(new.readers)
        if len(np.unique(new.cases[own := new.readers == reader])) >= _FEWEST_JUDGED
    ]
    return most_sure(found)


def most_sure(found: Sequence[Contradiction | None]) -> Contradiction:
    """The one that chance explains least; none at all where nobody could be asked."""
    return max((one for one in found if one is not None), key=lambda one: one.at_least, default=NOBODY_ASKED)


def pairs_of(new: ConfirmedSlices) -> Pairs | None:
    """How the pairs of readers stand that decided half of the new cases or more; None when no pair did.

    A pair with less is outweighed: the others' look-alikes contradict each of the two, or theirs the others.
    """
    cases, first = np.unique(new.cases, return_index=True)
    reader, label = new.readers[first], new.labels[first]
    names, counts = np.unique(reader, return_counts=True)
    witnesses: list[int] = []
    contradictions: list[Contradiction | None] = []
    for one, other in combinations(range(len(names)), 2):
        if 2 * (counts[one] + counts[other]) < len(cases):
            continue
        pair = names[[one, other]]
        others = label[~np.isin(reader, pair)]
        witnesses.append(int(min((others == 0).sum(), (others == 1).sum())))
        contradictions.append(_others_against(new, np.isin(new.readers, pair)) if witnesses[-1] else None)
    return Pairs(min(witnesses), most_sure(contradictions)) if witnesses else None


def _neighbours_against(
    slices: ConfirmedSlices, replay: Embedded, champion: FusionHead, count: int
) -> NDArray[np.float64]:
    """(n,) share of the nearest slices of other patients, confirmed or replayed, that have the other finding."""
    own, known = hidden(champion, slices.embedding), hidden(champion, replay.embedding)
    alike = own @ np.concatenate([own, known]).T
    alike[:, : len(own)][slices.patients[:, None] == slices.patients[None, :]] = -np.inf
    labels = np.concatenate([slices.labels, replay.labels])
    count = min(count, len(replay.labels))
    nearest = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    return np.asarray((labels[nearest] != slices.labels[:, None]).mean(axis=1), dtype=np.float64)
