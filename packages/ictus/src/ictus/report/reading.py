"""What readers came to, as a report says it."""

from dataclasses import dataclass
from datetime import datetime

from ictus.domain.enums import Finding, HaemorrhageSubtype


@dataclass(frozen=True, slots=True)
class Reading:
    """What readers came to.

    Attributes:
        finding: None when the images allow none.
        subtype: of a stroke, where they named one.
        readers: their names, in the order of their verdicts.
        decided_at: aware, printed in its zone.
    """

    finding: Finding | None
    subtype: HaemorrhageSubtype | None
    readers: tuple[str, ...]
    decided_at: datetime
