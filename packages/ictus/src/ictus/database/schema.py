"""How tables are described: names of constraints and types of columns."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sqlalchemy import DateTime, Enum, MetaData

COLUMN_TYPES: Final[Mapping[Any, Any]] = MappingProxyType({datetime: DateTime(timezone=True)})
"""The ``type_annotation_map`` of a service's ``Base``: every time is ``timestamptz``."""

Vocabulary = TypeVar("Vocabulary", bound=StrEnum)


def schema_metadata(schema: str) -> MetaData:
    """Metadata whose tables land in ``schema``, with constraints named alike in every service."""
    return MetaData(
        schema=schema,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )


def enum_column(vocabulary: type[Vocabulary]) -> Enum:
    """The column type of a closed vocabulary: its values as text, so that a new word needs no migration."""
    return Enum(
        vocabulary,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
