"""How much of a dataset may come from one reader: nobody teaches the model alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import floor
from typing import Protocol
from uuid import UUID

from feedback.settings import Policy


class Attributed(Protocol):
    """A case, as far as shares go."""

    @property
    def case_id(self) -> UUID:
        """The case."""

    @property
    def reader_id(self) -> UUID:
        """Whose share it counts towards."""

    @property
    def corrected(self) -> bool:
        """Whether readers decided against the model."""


def within_shares(cases: Sequence[Attributed], policy: Policy) -> frozenset[UUID]:
    """The ids of the cases that a dataset takes, as many as the readers' shares allow.

    Each reader gives at most ``reader_share`` of the cases that are taken, or ``reader_floor`` where that is more. Of a
    reader who gave too many, corrections are taken first, then by id, which is random: nobody chooses which.
    """
    given = Counter(case.reader_id for case in cases)
    total = len(cases)
    # shrinks until it holds: the largest number of cases that the cap it implies lets through
    while (let_through := sum(min(count, _cap(total, policy)) for count in given.values())) < total:
        total = let_through
    taken: dict[UUID, list[UUID]] = defaultdict(list)
    for case in sorted(cases, key=lambda one: (not one.corrected, one.case_id)):
        if len(taken[case.reader_id]) < _cap(total, policy):
            taken[case.reader_id].append(case.case_id)
    return frozenset(case_id for ids in taken.values() for case_id in ids)


def _cap(total: int, policy: Policy) -> int:
    return max(policy.reader_floor, floor(policy.reader_share * total))
