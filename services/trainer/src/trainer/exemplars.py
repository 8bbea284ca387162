"""Embeddings that travel with a model: what later versions replay, and what they are judged on.

Both files are safetensors with ``embedding`` (n, features) float16, ``labels`` (n,) uint8 class indices,
``patients`` (n,) int32: running numbers that mean nothing outside the file, and for each group that the slices' data
set tells of ``group.<attribute>:<name>`` (n,) uint8, whether a slice belongs to it. They are of one embedding space
(``ModelManifest.embedding_space``); no image can be made from them.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Int64 = NDArray[np.int64]

_GROUP: Final = "group."
REPLAYED: Final = 512
"""Slices that a model carries for replay, half of them with a stroke as far as there are so many."""


class Embedded(NamedTuple):
    """Slices as the network's fused features.

    Attributes:
        embedding: (n, features) float32.
        labels: (n,) class indices.
        patients: (n,) whose each is, as numbers.
        groups: ``<attribute>:<name>`` to (n,) members, for example of ``haemorrhage:Subdural``.
    """

    embedding: NDArray[np.float32]
    labels: Int64
    patients: Int64
    groups: Mapping[str, NDArray[np.bool_]] = MappingProxyType({})

    def take(self, rows: Int64) -> "Embedded":
        """The chosen slices."""
        groups = {name: member[rows] for name, member in self.groups.items()}
        return Embedded(self.embedding[rows], self.labels[rows], self.patients[rows], groups)


def write_embedded(slices: Embedded, path: Path) -> None:
    """Write slices for a model directory."""
    save_file(
        {
            "embedding": slices.embedding.astype(np.float16),
            "labels": slices.labels.astype(np.uint8),
            "patients": slices.patients.astype(np.int32),
            **{f"{_GROUP}{name}": member.astype(np.uint8) for name, member in slices.groups.items()},
        },
        path,
    )
    path.chmod(0o644)  # safetensors writes for its owner alone; a service reads it as another user


def read_embedded(path: Path) -> Embedded:
    """Slices of a model directory, whose digests were verified."""
    tensors = load_file(path)
    return Embedded(
        tensors["embedding"].astype(np.float32),
        tensors["labels"].astype(np.int64),
        tensors["patients"].astype(np.int64),
        {
            name.removeprefix(_GROUP): v.astype(np.bool_)
            for name, v in tensors.items()
            if name.startswith(_GROUP)
        },
    )


def balanced(labels: Int64, patients: Int64, count: int, seed: int) -> Int64:
    """Rows of ``count`` slices, ascending: each class alike often and, within it, each patient as far as it goes.

    A class with too few slices gives all it has, and the others make up for it.

    Args:
        labels: (n,) class indices.
        patients: (n,) whose each is.
        count: how many are wanted.
        seed: of the choice.
    """
    random = np.random.default_rng(seed)
    rows = random.permutation(len(labels))
    turn = _turn_within(rows, labels * (patients.max() + 1) + patients)
    by_turn = rows[np.argsort(turn, kind="stable")]
    queue = _turn_within(by_turn, labels)
    return np.sort(by_turn[np.argsort(queue, kind="stable")][:count])


def _turn_within(order: Int64, group: Int64) -> Int64:
    """(n,) for each row of ``order`` how many of its group come before it."""
    turns = np.empty(len(order), dtype=np.int64)
    for value in np.unique(group):
        members = group[order] == value
        turns[members] = np.arange(members.sum())
    return turns
