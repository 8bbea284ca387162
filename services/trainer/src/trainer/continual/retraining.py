"""One training from a champion and a data set to a judged candidate, kept step by step in a folder."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import torch

from ictus.contracts.trainings import GateReport
from ictus.domain.enums import TrainingMethod
from ictus.domain.errors import IctusError
from ictus.model.manifest import REPLAY_FILE, TEST_SET_FILE, ModelDirectory, load_model_directory
from ictus.model.permitted_changes import Learning, PermittedChanges, SolvingWay
from trainer.continual.candidate import (
    CandidateIdentity,
    load_version,
    require_teachable,
    taught_head,
    write_candidate,
)
from trainer.continual.cases import ConfirmedSlices
from trainer.continual.gate import Evidence, changed_parts, figures, judge_candidate
from trainer.continual.learning import Learned, Material, Watch, hold_out, joined, learn, none_of
from trainer.continual.screened_checks import data_checks
from trainer.continual.screening import Screened, screen
from trainer.continual.solving import solve
from trainer.exemplars import Embedded, read_embedded
from trainer.network import FusionHead
from trainer.training.logistic import Solution, solution_of

Report = Callable[[str, float, dict[str, float]], None]
"""Told of the step, of the share that is done, and of figures; raises when the training is to stop."""

_Teacher = Callable[[Watch], Learned]

_CHECKPOINT: Final = "head.checkpoint"
_SCREENED, _LEARNED = 0.1, 0.95
"""Shares of a training that are done when the cases are screened, and when a candidate is judged."""
CANDIDATE: Final = "candidate"
"""Folder of the candidate's directory, within a training's."""


class TooFewCasesError(IctusError):
    """There is nothing that could be learned."""

    code: ClassVar[str] = "too_few_cases"
    title: ClassVar[str] = "There are too few confirmed cases to learn from."


@dataclass(frozen=True)
class Order:
    """What is to be learned.

    Attributes:
        version: to call the candidate.
        seed: the same order, champion and data set give the same candidate.
        created_at: when the training began first.
    """

    version: str
    seed: int
    created_at: datetime


@dataclass(frozen=True)
class Retrained:
    """A candidate and what the gate says of it.

    Attributes:
        model: its verified directory.
        gate: the gate's report.
        metrics: figures of candidate and champion on the frozen test set.
    """

    model: ModelDirectory
    gate: GateReport
    metrics: dict[str, float]


@dataclass(frozen=True)
class Prepared:
    """A champion and a data set, ready to be learned from.

    Attributes:
        base: the champion.
        replay: what it learned from.
        test_set: what no version learns from.
        screened: the data set without one-sided and doubtful cases.
        material: what is learned from and what is held out.
    """

    base: ModelDirectory
    replay: Embedded
    test_set: Embedded
    screened: Screened
    material: Material


def prepare(
    base: ModelDirectory, slices: ConfirmedSlices, permitted: PermittedChanges, seed: int
) -> Prepared:
    """Screen a data set and divide it.

    Raises:
        CannotLearnError: the champion has no replay or test set.
        TooFewCasesError: the data needed are not there; the detail says what is missing.
    """
    require_teachable(base)
    replay, test_set = (read_embedded(base.path / name) for name in (REPLAY_FILE, TEST_SET_FILE))
    champion = load_version(base)
    calibration = base.manifest.calibration
    screened = screen(slices, replay, champion.head, calibration, permitted.poisoning, seed)
    left = screened.slices
    missing = [check for check in data_checks(screened, left, permitted) if not check.passed]
    if len(left.take(left.new)) < 2:
        raise TooFewCasesError(" ".join(check.sentence for check in missing) or None)
    return Prepared(base, replay, test_set, screened, _divided(left, replay, permitted, seed))


def retrain(
    prepared: Prepared,
    slices_sha256: str,
    order: Order,
    permitted: PermittedChanges,
    folder: Path,
    report: Report,
) -> Retrained:
    """Learn, write the candidate and judge it; goes on after whatever an earlier run left in ``folder``.

    A head that was solved is solved in each of the permitted ways in turn, until the gate passes a candidate. When it
    passes none, the last one is what the training has made.

    Args:
        prepared: of ``prepare``.
        slices_sha256: digest of the data set version.
        order: version and seed.
        permitted: the permitted changes.
        folder: of this training, empty at first.
        report: told of each step; what it raises passes through.
    """
    base, champion = prepared.base, load_version(prepared.base)
    teachers = _teachers(champion.head, prepared.material, permitted, order.seed, folder / _CHECKPOINT)
    for number, teach in enumerate(teachers):
        told = _part(report, number, len(teachers))
        output = folder / f"{CANDIDATE}-{number}"
        if not output.is_dir():
            told("Learning", 0.0, {})
            learned = _alone(teach, told)
            told("Exporting", 0.7, {})
            taught = taught_head(base, learned, prepared.replay, prepared.test_set)
            write_candidate(base, taught, identity_of(order, prepared, slices_sha256), output)
        told("Judging", 0.85, {})
        judged = judge(prepared, load_model_directory(output), permitted, order.seed)
        if judged.gate.passed:
            break
    return judged


def identity_of(order: Order, prepared: Prepared, slices_sha256: str) -> CandidateIdentity:
    """What the manifest says of a candidate's origin."""
    learned_from = prepared.screened.slices
    return CandidateIdentity(
        order.version,
        order.created_at,
        slices_sha256,
        len(np.unique(learned_from.patients)),
        len(learned_from),
        order.seed,
    )


def judge(prepared: Prepared, candidate: ModelDirectory, permitted: PermittedChanges, seed: int) -> Retrained:
    """Ask the gate about a candidate that was made by latent replay of what is prepared."""
    return judge_by(
        evidence_of(prepared), prepared.base, candidate, TrainingMethod.LATENT_REPLAY, permitted, seed
    )


def evidence_of(prepared: Prepared) -> Evidence:
    """What a candidate is judged by, as the champion's backbones see it."""
    return Evidence(
        prepared.test_set, prepared.screened.slices, prepared.screened, prepared.material.held_new
    )


def judge_by(
    evidence: Evidence,
    base: ModelDirectory,
    candidate: ModelDirectory,
    method: TrainingMethod,
    permitted: PermittedChanges,
    seed: int,
) -> Retrained:
    """Ask the gate about a candidate of either method."""
    before, after = load_version(base), load_version(candidate)
    changed = changed_parts(base, candidate, same_head=_weights(before.head) == _weights(after.head))
    gate = judge_candidate(before, after, evidence, permitted, changed, permitted.parts(method), seed)
    metrics = figures(after, evidence.seen.test_set)
    metrics |= {f"champion_{name}": value for name, value in figures(before, evidence.test_set).items()}
    return Retrained(candidate, gate, metrics)


def write_gate(gate: GateReport, file: Path) -> None:
    """Keep a report beside a candidate, for people."""
    file.write_text(json.dumps(gate.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")


def _teachers(
    champion: FusionHead, material: Material, permitted: PermittedChanges, seed: int, checkpoint: Path
) -> Sequence[_Teacher]:
    """The ways to learn, in turn: those to solve a head that was solved, or the one to teach any other in epochs."""
    params = permitted.learning
    start = solution_of(champion)
    if start is None:
        return [partial(learn, champion, material, params, seed, checkpoint)]
    return [partial(_solved, champion, start, material, params, way) for way in params.ways]


def _solved(
    champion: FusionHead, start: Solution, material: Material, params: Learning, way: SolvingWay, _: Watch
) -> Learned:
    """There is nothing to watch: a solution comes in one step."""
    return solve(champion, start, material, params, way)


def _alone(teach: _Teacher, report: Report) -> Learned:
    """Learn with one thread: the matrices are small, and sums in one order make a resumed run the same."""

    def watch(epoch: int, epochs: int, score: float) -> None:
        report("Learning", 0.7 * epoch / epochs, {"epoch": float(epoch), "log_loss": score})

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return teach(watch)
    finally:
        torch.set_num_threads(threads)


def _part(report: Report, number: int, parts: int) -> Report:
    """Tell of one of several equal parts of what comes after screening and before publishing."""

    def told(step: str, share: float, figures: dict[str, float]) -> None:
        report(step, _SCREENED + (_LEARNED - _SCREENED) * (number + share) / parts, figures)

    return told


def _divided(left: ConfirmedSlices, replay: Embedded, permitted: PermittedChanges, seed: int) -> Material:
    """New cases, replay with earlier cases, and what is kept aside of both, by patient."""
    beyond = int(replay.patients.max()) + 1 if len(replay.patients) else 0
    share = permitted.learning.held_share
    everything = left.as_embedded(beyond)
    is_held = hold_out(left.take(left.new).as_embedded(beyond), share, seed)
    held_patients = np.unique(everything.patients[left.new][is_held])
    aside = np.isin(everything.patients, held_patients)
    replay_aside = hold_out(replay, share, seed)
    memory = replay.take(np.flatnonzero(~replay_aside))
    earlier = everything.take(np.flatnonzero(~left.new & ~aside))
    held = everything.take(np.flatnonzero(left.new & aside))
    return Material(
        new=everything.take(np.flatnonzero(left.new & ~aside)),
        memory=joined(memory, earlier),
        held_new=held if len(held_patients) else none_of(everything),
        held_memory=replay.take(np.flatnonzero(replay_aside)),
    )


def _weights(head: FusionHead) -> str:
    digest = hashlib.sha256()
    for name, value in head.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()
