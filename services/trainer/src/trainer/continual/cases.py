"""Confirmed cases as embeddings: an immutable data set version of the feedback service, as it comes."""

from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from ictus.domain.errors import IctusError
from trainer.exemplars import Embedded

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


class CasesRefusedError(IctusError):
    """The data set cannot be learned from as it is."""

    code: ClassVar[str] = "cases_refused"
    title: ClassVar[str] = "The data set of confirmed cases cannot be learned from."


@dataclass(frozen=True)
class ConfirmedSlices:
    """Slices of confirmed cases; the numbers mean nothing outside the data set.

    Attributes:
        embedding: (n, features) float32.
        labels: (n,) class indices, 0 normal, 1 stroke.
        cases: (n,) the case that each slice belongs to.
        patients: (n,) whose it is.
        readers: (n,) who decided the case.
        corrected: (n,) whether the reader corrected the model.
        new: (n,) whether no earlier data set version held the case.
    """

    embedding: NDArray[np.float32]
    labels: Int64
    cases: Int64
    patients: Int64
    readers: Int64
    corrected: Bool
    new: Bool

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def from_safetensors(cls, data: bytes, features: int) -> Self:
        """Read what the feedback service exports; without ``readers`` or ``new`` nobody is told apart and all is new.

        Args:
            data: tensors named as the attributes.
            features: length of an embedding of the model that learns.

        Raises:
            CasesRefusedError: it is not such a file, or is of another network.
        """
        try:
            tensors = load(data)
            count = len(tensors["labels"])
            made = cls(
                embedding=tensors["embedding"].astype(np.float32),
                labels=tensors["labels"].astype(np.int64),
                cases=tensors["cases"].astype(np.int64),
                patients=tensors["patients"].astype(np.int64),
                readers=tensors.get("readers", np.arange(count)).astype(np.int64),
                corrected=tensors["corrected"].astype(np.bool_),
                new=tensors.get("new", np.ones(count)).astype(np.bool_),
            )
        except (SafetensorError, KeyError, ValueError) as error:
            raise CasesRefusedError("The data set of confirmed cases is damaged.") from error
        shapes = {len(getattr(made, field.name)) for field in fields(cls)}
        if shapes != {count} or made.embedding.shape != (count, features):
            raise CasesRefusedError("The data set of confirmed cases does not fit this model's network.")
        if not np.isfinite(made.embedding).all() or not np.isin(made.labels, (0, 1)).all():
            raise CasesRefusedError("The data set of confirmed cases holds values that cannot be.")
        return made

    def take(self, rows: Int64 | Bool) -> "ConfirmedSlices":
        """The chosen slices."""
        return ConfirmedSlices(*(getattr(self, field.name)[rows] for field in fields(self)))

    def as_embedded(self, first_patient: int = 0) -> Embedded:
        """The same without provenance; patients are counted from ``first_patient``."""
        return Embedded(self.embedding, self.labels, self.patients + first_patient)


def by_case(slices: ConfirmedSlices) -> tuple[Int64, Int64]:
    """The cases in rising order, and (n,) which of them each slice belongs to."""
    cases, member = np.unique(slices.cases, return_inverse=True)
    return cases, member.astype(np.int64)


def mean_by_case(values: NDArray[np.floating], slices: ConfirmedSlices) -> NDArray[np.float64]:
    """(cases,) mean of (n,) values over each case's slices, in the order of ``by_case``."""
    _, member = by_case(slices)
    total = np.bincount(member, weights=values)
    return np.asarray(total / np.bincount(member), dtype=np.float64)
