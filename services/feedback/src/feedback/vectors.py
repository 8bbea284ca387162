"""pgvector's ``halfvec`` as a column type: a vector of 16-bit floats.

The extension stands in a schema of its own, ``vector``, which the service's role may use (``local.database``,
``create-databases.sh``), so its type, functions and operators are named with it. A vector goes to the server as text and
comes back in the extension's binary format: two 16-bit counts, then the numbers, all big-endian.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Double, Text, cast, func
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.engine import Dialect
from sqlalchemy.types import LargeBinary, UserDefinedType

SCHEMA: Final = "vector"
_COUNTS_BYTES: Final = 4

Float16 = NDArray[np.float16]


class HalfVector(UserDefinedType[Float16]):
    """A vector of finite 16-bit floats, of any length up to 16,000."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """The type's name in SQL."""
        return f"{SCHEMA}.halfvec"

    def bind_processor(self, dialect: Dialect) -> Callable[[Float16 | None], str | None]:  # noqa: ARG002
        """Spell a vector."""
        return _spelt

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Float16]:
        """Say what the text is."""
        return cast(bindvalue, self)

    def column_expression(self, column: Any) -> ColumnElement[Any]:
        """Fetch the binary format."""
        return func.vector.halfvec_send(column, type_=_Fetched())


class _Fetched(LargeBinary):
    """The answer of ``halfvec_send``."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        """Read the binary format."""
        return _read


def cosine_distance(column: Any, vector: Float16) -> ColumnElement[float]:
    """Cosine distance (0: same direction, 2: opposite) between a column's vectors and one of the same length."""
    return func.vector.cosine_distance(column, cast(cast(_spelt(vector), Text), HalfVector()), type_=Double())


def _spelt(vector: Float16 | None) -> str | None:
    if vector is None:
        return None
    return f"[{','.join(map(str, vector.astype(np.float16)))}]"


def _read(sent: Any) -> Float16 | None:
    if sent is None:
        return None
    return np.frombuffer(bytes(sent), dtype=">f2", offset=_COUNTS_BYTES).astype(np.float16)


ischema_names.setdefault("halfvec", HalfVector)
ischema_names.setdefault(f"{SCHEMA}.halfvec", HalfVector)
