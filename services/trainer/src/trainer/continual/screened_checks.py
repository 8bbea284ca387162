"""What the gate asks of the data: enough of them, of enough readers, whom others bear out."""

from collections.abc import Iterator

import numpy as np

from ictus.contracts.trainings import GateCheck
from ictus.model.permitted_changes import AgainstPoisoning, PermittedChanges
from trainer.continual.cases import ConfirmedSlices
from trainer.continual.screening import BY_CHANCE, Contradiction, Pairs, Screened


def data_checks(
    screened: Screened, cases: ConfirmedSlices, permitted: PermittedChanges
) -> Iterator[GateCheck]:
    """Whether there is enough to learn from, from enough readers, with few enough doubtful verdicts."""
    new = cases.take(cases.new)
    needed, limits = permitted.data, permitted.poisoning
    left = len(np.unique(new.cases))
    yield _at_least("new_cases", left, needed.minimum_cases, "new cases are left to learn from")
    yield _at_least(
        "new_patients", len(np.unique(new.patients)), needed.minimum_patients, "patients are behind them"
    )
    if needed.both_findings:
        yield _at_least("new_findings", len(np.unique(new.labels)), 2, "of the two findings occur in them")
    yield _at_least("readers", screened.readers, limits.minimum_readers, "readers decided them")
    share = screened.largest_share
    yield GateCheck(
        name="reader_share",
        measured=share,
        bound=limits.reader_share,
        passed=share <= limits.reader_share + 1e-9,
        sentence=f"One reader decided {share:.0%} of the new cases; at most {limits.reader_share:.0%} may be "
        f"one reader's. {screened.over_share} more were left out for that.",
    )
    yield _contradiction_check(
        "reader_contradiction", screened.contradiction, limits, "of one reader", "one of them is mistaken"
    )
    yield from _pair_checks(screened.pairs, limits)
    doubtful = screened.doubtful_share
    yield GateCheck(
        name="doubtful_cases",
        measured=doubtful,
        bound=limits.maximum_doubtful,
        passed=doubtful <= limits.maximum_doubtful,
        sentence=f"{screened.doubtful} new cases ({doubtful:.0%}) look mislabelled: the champion and similar cases of "
        f"other patients speak against them. At most {limits.maximum_doubtful:.0%} may; they were not learned from.",
    )


def _pair_checks(pairs: Pairs | None, limits: AgainstPoisoning) -> Iterator[GateCheck]:
    """Whether what two readers decided alone is borne out by others."""
    if pairs is None:
        told = "No two readers decided half of the new cases, so no two can carry them alone."
        yield GateCheck(
            name="pair_witnesses", measured=None, bound=limits.pair_witnesses, passed=True, sentence=told
        )
        return
    yield GateCheck(
        name="pair_witnesses",
        measured=pairs.witnesses,
        bound=limits.pair_witnesses,
        passed=pairs.witnesses >= limits.pair_witnesses,
        sentence="Two readers decided half of the new cases or more. All others decided "
        f"{pairs.witnesses} of each finding; at least {limits.pair_witnesses} are asked for, so that two who err alike "
        "are noticed.",
    )
    yield _contradiction_check(
        "pair_contradiction", pairs.contradiction, limits, "of the two", "the two or the others are mistaken"
    )


def _contradiction_check(
    name: str, found: Contradiction, limits: AgainstPoisoning, whose: str, meaning: str
) -> GateCheck:
    """Whether others contradict some readers more than they may, and more than chance would."""
    return GateCheck(
        name=name,
        measured=found.share,
        lower_bound=found.at_least,
        bound=limits.reader_contradiction,
        passed=not found.is_above(limits.reader_contradiction),
        sentence=f"Other readers' slices that look most like those {whose} have the other finding in {found.share:.0%}, "
        f"where chance gives {BY_CHANCE:.0%}. At most {limits.reader_contradiction:.0%} may, unless that is chance "
        f"(surely {found.at_least:.0%}). Above that, {meaning}.",
    )


def _at_least(name: str, measured: int, bound: int, what: str) -> GateCheck:
    return GateCheck(
        name=name,
        measured=float(measured),
        bound=float(bound),
        passed=measured >= bound,
        sentence=f"{measured} {what}; at least {bound} are needed.",
    )
