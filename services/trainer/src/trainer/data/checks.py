"""What every run asks of its data before anything learns from it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ictus.model.base import Params
from ictus.model.preprocess import PreprocessParams
from trainer.data.anonymity import IdentityTrace, identity_traces
from trainer.data.dataset import Dataset
from trainer.data.given import pictures_given
from trainer.data.leakage import Leak, LeakKind, find_leaks
from trainer.data.shortcuts import Baseline, measure_shortcuts
from trainer.errors import TrainerError

CHECK_FOLDS: Final = 5
CHECK_SEED: Final = 20
"""The folds and seed of the standard recipe: what is carried is measured under them."""


class DataRefusedError(TrainerError):
    """The data must not be trained on as it is; ``report`` says why."""

    def __init__(self, report: "CheckReport") -> None:
        reasons = "\n".join(f"- {reason}" for reason in report.stops)
        super().__init__(f"{report.dataset} must not be trained on as it is.\n{reasons}")
        self.report = report


class CheckReport(Params):
    """What the checks found.

    Attributes:
        stops: why no run may start, in words; empty when it may.
    """

    schema_version: Literal[1] = 1
    dataset: str
    dataset_sha256: str
    examples: int
    patients: int
    stroke_examples: int
    stroke_patients: int
    identity: tuple[IdentityTrace, ...]
    leaks: tuple[Leak, ...]
    baselines: tuple[Baseline, ...]
    stops: tuple[str, ...]


def check_dataset(
    dataset: Dataset,
    folds: NDArray[np.int64],
    *,
    parts: NDArray[np.str_] | None = None,
    frozen: Dataset | None = None,
    given: PreprocessParams | None = None,
    seed: int = CHECK_SEED,
) -> CheckReport:
    """Look for identities, leaks and shortcuts. Digests were checked when the data set was loaded.

    Args:
        dataset: what is to be trained on.
        folds: (n,) the fold that each example is held out in.
        parts: (n,) another split to look for leaks in; None takes the folds.
        frozen: a test set that must stay unknown.
        given: how slices become a network's input; the baselines then look at that instead of the files.
        seed: of the baselines.

    Raises:
        DatasetError: a file cannot be read.
        EvaluationError: the examples are of one class.
    """
    if parts is None:
        parts = np.array([f"fold {fold + 1}" for fold in folds])
    labels, patients = dataset.labels, dataset.patients
    identity = identity_traces(dataset)
    leaks = find_leaks(dataset, parts, frozen)
    baselines = measure_shortcuts(dataset, folds, seed, None if given is None else pictures_given(given))
    return CheckReport(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        examples=len(labels),
        patients=len(np.unique(patients)),
        stroke_examples=int(labels.sum()),
        stroke_patients=len(np.unique(patients[labels])),
        identity=identity,
        leaks=leaks,
        baselines=baselines,
        stops=_stops(identity, leaks, baselines),
    )


def require_trainable(
    dataset: Dataset,
    folds: NDArray[np.int64],
    *,
    frozen: Dataset | None = None,
    given: PreprocessParams | None = None,
    cache: Path | None = None,
    seed: int = CHECK_SEED,
) -> CheckReport:
    """The checks, before a run: see ``check_dataset``. What is asked a second time of the same data and folds is read from ``cache``.

    Raises:
        DataRefusedError: the run must not start.
        DatasetError: a file cannot be read.
        EvaluationError: the examples are of one class.
    """
    kept = None if cache is None else cache / f"check-{_key(dataset, folds, frozen, given, seed)}.json"
    if kept is not None and kept.is_file():
        report = CheckReport.model_validate_json(kept.read_bytes())
    else:
        report = check_dataset(dataset, folds, frozen=frozen, given=given, seed=seed)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(".part")
            part.write_text(report.model_dump_json(), encoding="utf-8")
            part.replace(kept)
    if report.stops:
        raise DataRefusedError(report)
    return report


def _key(
    dataset: Dataset,
    folds: NDArray[np.int64],
    frozen: Dataset | None,
    given: PreprocessParams | None,
    seed: int,
) -> str:
    """Of data, folds and the code of the checks: another threshold must not find an old verdict."""
    digest = hashlib.sha256(f"{dataset.sha256} {frozen.sha256 if frozen else ''} {seed}".encode())
    if given is not None:
        digest.update(given.model_dump_json().encode())
    digest.update(np.ascontiguousarray(folds, dtype=np.int64).tobytes())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def _stops(
    identity: Sequence[IdentityTrace], leaks: Sequence[Leak], baselines: Sequence[Baseline]
) -> tuple[str, ...]:
    found = [
        f"Anonymity: {trace.kind} in {trace.count} examples, the first is number {trace.first + 1}."
        for trace in identity
    ]
    for kind in LeakKind:
        pairs = [leak for leak in leaks if leak.kind is kind and leak.stops]
        if pairs:
            first, torn = pairs[0], sum(leak.labels_agree is False for leak in pairs)
            labels = f" {torn} of them have two labels." if torn else ""
            found.append(
                f"Leakage, {kind}: {len(pairs)} across parts, the first are numbers {first.first + 1} ({first.parts[0]}) "
                f"and {first.second + 1} ({first.parts[1]}).{labels}"
            )
    found += [
        f"Shortcut, {baseline.name}: AUC {baseline.figure.auc:.3f} ({baseline.figure.low:.3f} to "
        f"{baseline.figure.high:.3f}) {baseline.judged}, without seeing anatomy."
        for baseline in baselines
        if baseline.verdict == "shortcut"
    ]
    return tuple(found)
