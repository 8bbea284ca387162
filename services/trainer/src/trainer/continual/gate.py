"""The gate: may a candidate be proposed? Every question, with its figure, its bound and the answer in plain words.

The frozen test set is of patients that no version learns from. Candidate and champion judge the same slices, so what
is measured is their difference, with its 95 % interval over resampled patients.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ictus.contracts.trainings import GateCheck, GateReport
from ictus.model.calibration import slice_probabilities
from ictus.model.manifest import ModelDirectory, ModelManifest
from ictus.model.permitted_changes import Acceptance, Part, PermittedChanges
from trainer.calibrate import Fitted, HeldOut, Judged, judge
from trainer.continual.cases import ConfirmedSlices, by_case, mean_by_case
from trainer.continual.learning import log_loss
from trainer.continual.screened_checks import data_checks
from trainer.continual.screening import Screened
from trainer.evaluation.bootstrap import EvaluationError, whole
from trainer.evaluation.metrics import LEVELS, STATISTICS, Level
from trainer.evaluation.paired import bootstrap_difference
from trainer.exemplars import Embedded
from trainer.network import FusionHead
from trainer.training.head import predict

Bool = NDArray[np.bool_]

_NOT_WORSE: Final[Mapping[str, str]] = {
    "roc_auc": "ROC-AUC",
    "sensitivity": "sensitivity",
    "sensitivity_ruling_out": "sensitivity of ruling out",
}
"""The figures that must not fall, by their names in the manifest."""

_KIND: Final = "haemorrhage:"
_LEVEL_WORDS: Final[Mapping[Level, str]] = {"slice": "slices", "study": "studies"}


@dataclass(frozen=True)
class Version:
    """A version as the gate sees it: the head and what its logits mean.

    Attributes:
        head: of the version.
        manifest: its calibration and limits.
    """

    head: FusionHead
    manifest: ModelManifest

    def judge(self, slices: Embedded) -> dict[Level, Judged]:
        """What it says of slices, and of their patients."""
        said = HeldOut(
            predict(self.head, slices.embedding), slices.labels == 1, slices.patients.astype(np.str_)
        )
        m = self.manifest
        fitted = Fitted(m.calibration, m.decision, m.aggregation.context)
        return dict(zip(LEVELS, judge(said, fitted, m.aggregation), strict=True))

    def answers(self, slices: ConfirmedSlices) -> Bool:
        """(cases,) whether it gives each case its confirmed finding."""
        spread = slice_probabilities(predict(self.head, slices.embedding), self.manifest.calibration)
        return mean_by_case(spread[np.arange(len(slices)), slices.labels], slices) > 0.5


@dataclass(frozen=True)
class Seen:
    """The slices that versions are judged by, as the backbones of one of them see them.

    Attributes:
        test_set: the frozen test set, with its modalities and subgroups.
        cases: the screened data set.
        held_new: slices of new cases that were not learned from.
    """

    test_set: Embedded
    cases: ConfirmedSlices
    held_new: Embedded


@dataclass(frozen=True)
class Evidence:
    """What a candidate is judged by; embeddings are the champion's.

    Attributes:
        test_set: the frozen test set, with its modalities and subgroups.
        cases: the screened data set.
        screened: what screening found.
        held_new: slices of new cases that the candidate did not learn from, maybe none.
        again: the same slices by the candidate's backbones, where it has other ones.
        refused: shares of the test set's slices that champion and candidate call unsuitable, where the candidate's
            check was fitted anew.
    """

    test_set: Embedded
    cases: ConfirmedSlices
    screened: Screened
    held_new: Embedded
    again: Seen | None = None
    refused: tuple[float, float] | None = None

    @property
    def seen(self) -> Seen:
        """What the candidate judges."""
        return self.again or Seen(self.test_set, self.cases, self.held_new)


def judge_candidate(
    champion: Version,
    candidate: Version,
    evidence: Evidence,
    permitted: PermittedChanges,
    changed: Sequence[Part],
    allowed: frozenset[Part],
    seed: int,
) -> GateReport:
    """Ask every question.

    Args:
        champion: what answers now.
        candidate: what may answer next.
        evidence: test set and cases.
        permitted: the permitted changes.
        changed: parts in which the candidate differs.
        allowed: parts in which it may.
        seed: of the bootstrap.
    """
    checks = [
        *data_checks(evidence.screened, evidence.cases, permitted),
        *_change_checks(changed, allowed),
        *_test_set_checks(champion, candidate, evidence, permitted.acceptance, seed),
        *_calibration_checks(champion, candidate, evidence, permitted.acceptance),
        _corrected_check(champion, candidate, evidence, permitted.acceptance),
        _held_check(champion, candidate, evidence, permitted.acceptance),
    ]
    if evidence.refused is not None:
        checks.append(_suitability_check(*evidence.refused, permitted.acceptance))
    return GateReport(passed=all(check.passed for check in checks), checks=tuple(checks))


def changed_parts(base: ModelDirectory, candidate: ModelDirectory, *, same_head: bool) -> list[Part]:
    """What a candidate differs in from the version it was made from.

    Args:
        base: the champion.
        candidate: made from it.
        same_head: whether the heads' weights are equal.
    """
    old, new = base.manifest, candidate.manifest
    statistics = [m.manifest.files.get("suitability.safetensors") for m in (base, candidate)]
    said: list[tuple[Part, bool]] = [
        ("head", not same_head),
        ("backbones", old.embedding_space != new.embedding_space),
        ("calibration", old.calibration != new.calibration or old.aggregation != new.aggregation),
        ("limits", old.decision != new.decision),
        ("suitability", old.suitability != new.suitability or statistics[0] != statistics[1]),
    ]
    return [part for part, differs in said if differs]


def _change_checks(changed: Sequence[Part], allowed: frozenset[Part]) -> Iterator[GateCheck]:
    beyond = sorted(set(changed) - allowed)
    yield GateCheck(
        name="permitted_parts",
        measured=float(len(beyond)),
        bound=0.0,
        passed=not beyond,
        sentence=f"It also changed what it may not: {', '.join(beyond)}."
        if beyond
        else f"It changed only what it may ({', '.join(sorted(changed)) or 'nothing'}); suitability is as it was.",
    )


def _test_set_checks(
    champion: Version, candidate: Version, evidence: Evidence, bounds: Acceptance, seed: int
) -> Iterator[GateCheck]:
    parts = zip(_parts_of(evidence.test_set), _parts_of(evidence.seen.test_set), strict=True)
    for (subgroup, part), (_, again) in parts:
        patients = np.unique(part.patients)
        with_stroke = len(np.unique(part.patients[part.labels == 1]))
        fewest = min(with_stroke, len(patients) - with_stroke)
        if subgroup is not None and fewest < bounds.minimum_patients:
            continue
        before, after = champion.judge(part), candidate.judge(again)
        for level in LEVELS:
            for name in _NOT_WORSE:
                yield _not_worse(level, name, subgroup, before[level], after[level], bounds, seed)


def _parts_of(test_set: Embedded) -> Iterator[tuple[str | None, Embedded]]:
    """All slices, then those of each modality and subgroup.

    A kind of haemorrhage, which no normal slice has, is told apart from all normal slices.
    """
    yield None, test_set
    for name, member in test_set.groups.items():
        inside = member | (test_set.labels == 0) if name.startswith(_KIND) else member
        yield name, test_set.take(np.flatnonzero(inside))


def _not_worse(
    level: Level,
    name: str,
    subgroup: str | None,
    before: Judged,
    after: Judged,
    bounds: Acceptance,
    seed: int,
) -> GateCheck:
    """One figure's difference with its interval."""
    title, words = _NOT_WORSE[name], _LEVEL_WORDS[level]
    of = f" ({subgroup})" if subgroup else ""
    try:
        found = bootstrap_difference(level, name, STATISTICS[name], after, before, seed)
    except EvaluationError:
        return GateCheck(
            name=f"{level}_{name}_difference",
            subgroup=subgroup,
            measured=None,
            bound=bounds.lower_bound,
            passed=False,
            sentence=f"The {title} of {words}{of} cannot be compared: the test set has no example of one finding.",
        )
    passed = found.low > bounds.lower_bound
    return GateCheck(
        name=f"{level}_{name}_difference",
        subgroup=subgroup,
        measured=found.value,
        lower_bound=found.low,
        bound=bounds.lower_bound,
        passed=passed,
        sentence=f"The {title} of {words}{of} differs from the champion's by {found.value:+.3f} (95 % interval from "
        f"{found.low:+.3f}); "
        + ("it did not fall." if passed else f"a fall beyond {bounds.lower_bound:+.2f} cannot be ruled out."),
    )


def _calibration_checks(
    champion: Version, candidate: Version, evidence: Evidence, bounds: Acceptance
) -> Iterator[GateCheck]:
    before = _ece(champion.judge(evidence.test_set)["slice"])
    after = _ece(candidate.judge(evidence.seen.test_set)["slice"])
    limit = min(bounds.maximum_ece, before + bounds.ece_increase)
    yield GateCheck(
        name="slice_ece",
        measured=after,
        bound=limit,
        passed=after <= limit,
        sentence=f"Its probabilities of slices are off by {after:.3f} on average, the champion's by {before:.3f}; "
        f"at most {limit:.3f} is accepted.",
    )


def _corrected_check(
    champion: Version, candidate: Version, evidence: Evidence, bounds: Acceptance
) -> GateCheck:
    """Earlier corrections that the champion has learned must not be unlearned."""
    is_earlier = evidence.cases.corrected & ~evidence.cases.new
    earlier, again = evidence.cases.take(is_earlier), evidence.seen.cases.take(is_earlier)
    lost = int((champion.answers(earlier) & ~candidate.answers(again)).sum()) if len(earlier) else 0
    asked = len(by_case(earlier)[0])
    return GateCheck(
        name="corrected_cases",
        measured=float(lost),
        bound=float(bounds.corrected_regressions),
        passed=lost <= bounds.corrected_regressions,
        sentence=f"Of {asked} cases that readers corrected before, {lost} would be answered wrongly again."
        if asked
        else "There are no cases that readers corrected before.",
    )


def _held_check(champion: Version, candidate: Version, evidence: Evidence, bounds: Acceptance) -> GateCheck:
    """On new cases that it did not learn from the candidate must not be worse."""
    held = evidence.held_new
    bound = bounds.held_log_loss_increase
    if not len(held.labels):
        return GateCheck(
            name="held_new_cases",
            measured=None,
            bound=bound,
            passed=True,
            sentence="No new case was held out of learning: their patients are too few.",
        )
    rise = log_loss(candidate.head, evidence.seen.held_new) - log_loss(champion.head, held)
    return GateCheck(
        name="held_new_cases",
        measured=rise,
        bound=bound,
        passed=rise <= bound,
        sentence=f"On {len(np.unique(held.patients))} patients with new cases that it did not learn from, its log loss "
        f"is {abs(rise):.3f} {'higher' if rise > 0 else 'lower'} than the champion's.",
    )


def _suitability_check(before: float, after: float, bounds: Acceptance) -> GateCheck:
    """A check of suitability that was fitted anew must not send more of what is suitable away."""
    bound = before + bounds.unsuitable_increase
    return GateCheck(
        name="test_set_unsuitable",
        measured=after,
        bound=bound,
        passed=after <= bound,
        sentence=f"Its own suitability check refuses {after:.1%} of the slices of the frozen test set, the champion's "
        f"{before:.1%}; at most {bound:.1%} is accepted.",
    )


def _ece(judged: Judged) -> float:
    return float(STATISTICS["ece"](judged, whole(len(judged.label)))[0])


def figures(version: Version, test_set: Embedded) -> dict[str, float]:
    """What the administrators' page compares: slices of the frozen test set."""
    judged = version.judge(test_set)["slice"]
    once = whole(len(judged.label))
    named = {"auc": "roc_auc", "sensitivity": "sensitivity", "specificity": "specificity", "ece": "ece"}
    measured = {f"test_{short}": float(STATISTICS[name](judged, once)[0]) for short, name in named.items()}
    return {name: value for name, value in measured.items() if np.isfinite(value)}
