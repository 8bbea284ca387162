"""Reading the embeddings of a result's slices from the object store.

The object is the worker's: safetensors with ``embedding`` (slices, features) f16 beside the heatmaps. Only the tensor
is fetched. The format is an 8-byte little-endian length, a JSON header of that length, and the tensors' bytes.
"""

import json
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from feedback.vectors import Float16
from ictus.domain.errors import IctusError

TENSOR: Final = "embedding"
_LENGTH_BYTES: Final = 8
_FIRST_READ: Final = 4096
_LONGEST_HEADER: Final = 1 << 16
_MOST_BYTES: Final = 1 << 28
_WIDEST: Final = 16_000  # what a halfvec can hold


class EmbeddingsDamagedError(IctusError):
    """The object is none that a worker wrote."""

    code = "embeddings_damaged"
    title = "The stored embeddings of a result cannot be read."


class ReadsObjects(Protocol):
    """What is asked of the object store (``ictus.storage``)."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer where the object ends."""


@dataclass(frozen=True)
class SliceEmbeddings:
    """The embeddings of one series' slices.

    Attributes:
        values: (slices, features) float16, finite, in slice order.
    """

    values: Float16

    @property
    def features(self) -> int:
        """Numbers in one slice's embedding."""
        return int(self.values.shape[1])

    def of(self, indices: tuple[int, ...]) -> Float16 | None:
        """The rows of these slices; None when the series has no such slice."""
        if not indices or max(indices) >= len(self.values):
            return None
        return self.values[list(indices)]


def read_embeddings(objects: ReadsObjects, key: str) -> SliceEmbeddings:
    """Fetch a result's embeddings.

    Raises:
        EmbeddingsDamagedError: the object is not what a worker writes.
        ObjectMissingError: there is none.
        UnavailableError: the object store does not answer.
        StorageRefusedError: it does not let this service read.
    """
    start = objects.get_range(key, 0, _FIRST_READ)
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if len(start) < _LENGTH_BYTES or length > _LONGEST_HEADER:
        raise EmbeddingsDamagedError
    data_start = _LENGTH_BYTES + length
    header = start[_LENGTH_BYTES:data_start]
    if len(header) < length:
        header += objects.get_range(key, len(start), data_start - len(start))
    slices, features, begin, end = _described(header)
    data = objects.get_range(key, data_start + begin, end - begin)
    if len(data) != end - begin:
        raise EmbeddingsDamagedError
    values = np.frombuffer(data, dtype="<f2").astype(np.float16).reshape(slices, features)
    if not np.isfinite(values).all():
        raise EmbeddingsDamagedError
    return SliceEmbeddings(values)


def _described(header: bytes) -> tuple[int, int, int, int]:
    """Slices, features, and where the tensor lies behind the header."""
    try:
        tensor = json.loads(header)[TENSOR]
        slices, features = (int(size) for size in tensor["shape"])
        begin, end = (int(offset) for offset in tensor["data_offsets"])
        dtype = tensor["dtype"]
    except (ValueError, KeyError, TypeError) as error:
        raise EmbeddingsDamagedError from error
    fits = end - begin == slices * features * 2 <= _MOST_BYTES
    if dtype != "F16" or slices < 1 or not 1 <= features <= _WIDEST or begin < 0 or not fits:
        raise EmbeddingsDamagedError
    return slices, features, begin, end
