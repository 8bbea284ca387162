"""What a head may be shown of a slice, besides its own embedding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

OWN, RELATIVE, NEIGHBOURS = "own", "relative", "neighbours"
SHOWN: Final = (OWN, RELATIVE, NEIGHBOURS)
"""The embedding; the same minus its series' median; the mean of the slices on both sides."""


@dataclass(frozen=True)
class Views:
    """What is learned from: m views of n slices.

    Attributes:
        embedding: (m, features).
        row: (m,) the slice that each is of.
        stroke: (m,) whether it shows a stroke; a painted one does.
        weight: (m,) what it counts.
    """

    embedding: Float32
    row: Int64
    stroke: NDArray[np.bool_]
    weight: NDArray[np.float64]

    def of(self, rows: NDArray[np.bool_]) -> "Views":
        """The views of some slices: (n,) which."""
        chosen = rows[self.row]
        return Views(self.embedding[chosen], self.row[chosen], self.stroke[chosen], self.weight[chosen])


@dataclass(frozen=True)
class Series:
    """What each slice's series has in common, from its slices as they are: (n, features) each.

    A series of one slice is its own median and its own neighbour.
    """

    median: Float32
    neighbours: Float32


def series_of(plain: Float32, patients: NDArray[np.str_]) -> Series:
    """Medians and neighbours of slices in the data set's order; a patient's rows are one series."""
    median, neighbours = np.empty_like(plain), np.empty_like(plain)
    for patient in np.unique(patients):
        members = np.flatnonzero(patients == patient)
        own = plain[members]
        median[members] = np.median(own, axis=0)
        framed = np.concatenate([own[:1], own, own[-1:]])
        neighbours[members] = (framed[:-2] + framed[2:]) / 2
    return Series(median, neighbours)


def shown(embedding: Float32, row: Int64, series: Series, what: str) -> Float32:
    """(m, features) of views: one of ``SHOWN``."""
    if what == RELATIVE:
        return embedding - series.median[row]
    if what == NEIGHBOURS:
        return series.neighbours[row]
    return embedding


@dataclass(frozen=True)
class Gram:
    """Inner products of standardised features.

    Attributes:
        learned: (m, m) of the views that are learned from.
        asked: (n, m) of all slices as they are with those views.
        own: (n,) of each slice with itself.
        width: how many features.
    """

    learned: Float32
    asked: Float32
    own: Float32
    width: int

    def __add__(self, other: "Gram") -> "Gram":
        return Gram(
            self.learned + other.learned,
            self.asked + other.asked,
            self.own + other.own,
            self.width + other.width,
        )

    def scaled(self, factor: float) -> "Gram":
        """As if every feature were multiplied by the factor's root."""
        by = np.float32(factor)
        return Gram(self.learned * by, self.asked * by, self.own * by, self.width)


def gram(views: Views, plain: Float32, series: Series, what: str) -> Gram:
    """Products of one of ``SHOWN``, standardised by the views that are learned from."""
    learned = shown(views.embedding, views.row, series, what)
    asked = shown(plain, np.arange(len(plain)), series, what)
    return products(learned, asked)


def products(learned: Float32, asked: Float32) -> Gram:
    """Of (m, features) that are learned from, which standardise, and (n, features) that are asked."""
    mean, deviation = learned.mean(axis=0), np.sqrt(learned.var(axis=0) + 1e-5)
    learned, asked = (learned - mean) / deviation, (asked - mean) / deviation
    return Gram(learned @ learned.T, asked @ learned.T, (asked**2).sum(axis=1), learned.shape[1])


def summed(grams: Mapping[str, Gram], names: Sequence[str]) -> Gram:
    """As if the features of several stood side by side."""
    total = grams[names[0]]
    for name in names[1:]:
        total = total + grams[name]
    return total
