"""How often readers agree with each other and with the model."""

from collections.abc import Mapping

from ictus.contracts.reviews import AgreementFigure
from ictus.domain.enums import Finding

Table = Mapping[tuple[Finding | None, Finding | None], int]
"""How often one side said the first finding where the other said the second; None is a finding of its own."""


def agreement_figure(table: Table) -> AgreementFigure:
    """Agreement and Cohen's kappa of two sides (Cohen, Educ Psychol Meas 1960;20:37-46).

    Kappa is ``(observed - expected) / (1 - expected)``, with the agreement that is expected when both sides answer at
    random at the rates they do. It is null when that is all there can be.
    """
    compared = sum(table.values())
    agreed = sum(count for (left, right), count in table.items() if left is right)
    if not compared:
        return AgreementFigure(compared=0, agreed=0, kappa=None)
    findings = {finding for pair in table for finding in pair}
    by_chance = sum(_said(table, finding, 0) * _said(table, finding, 1) for finding in findings)
    # in whole numbers up to here, so that full agreement is exactly 1
    beyond = compared * compared - by_chance
    kappa = (agreed * compared - by_chance) / beyond if beyond else None
    return AgreementFigure(compared=compared, agreed=agreed, kappa=kappa)


def _said(table: Table, finding: Finding | None, side: int) -> int:
    return sum(count for pair, count in table.items() if pair[side] is finding)
