"""Search for a better recipe without ever looking at what it will be judged by.

Nested: for each outer fold a search of its own runs on the other folds' patients, by an inner cross-validation
among them; only the recipe it ends with is trained on them and judges the outer fold. The pooled outer figures
say what the search is worth on new patients. The recipe to use comes from one more search over all patients:
it has no figure of its own, and needs none.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from pydantic import Field
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from ictus.model.base import Params
from trainer.recipe import Recipe
from trainer.training.cross_validation import OutOfFold, Prepared, cross_validate
from trainer.training.params import FrozenDepth

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Prepare = Callable[[Recipe], Prepared]

_CLIP: Final = 1e-6


class Range(Params):
    """Numbers between two, on a logarithmic scale where told."""

    low: float
    high: float
    log: bool = False


class SearchSpace(Params):
    """What is searched; an empty choice or an unset range leaves the recipe's own value."""

    dropout: Range | None = Range(low=0.1, high=0.7)
    learning_rate: Range | None = Range(low=1e-4, high=3e-3, log=True)
    weight_decay: Range | None = Range(low=1e-3, high=3, log=True)
    batch_size: tuple[int, ...] = (16, 32, 64)
    hidden: tuple[int, ...] = (32, 64, 128, 256)
    activation: tuple[Literal["relu", "gelu", "silu"], ...] = ("relu", "gelu", "silu")
    fusion: tuple[Literal["concatenate", "average"], ...] = ("concatenate", "average")
    frozen_depth: tuple[FrozenDepth, ...] = (FrozenDepth.ALL, FrozenDepth.LAYER4)
    size: tuple[int, ...] = Field(
        default=(224,), description="Sides of the input; each has its own frozen activations."
    )


class Tuning(Params):
    """How it is searched."""

    space: SearchSpace = SearchSpace()
    trials: int = Field(default=20, ge=1, description="For each outer fold, and for the last search.")
    inner_folds: int = Field(default=3, ge=2)
    metric: Literal["roc_auc", "log_loss"] = "roc_auc"


@dataclass(frozen=True)
class Tuned:
    """What a nested search ends with.

    Attributes:
        recipe: the best one over all patients.
        of_folds: the recipe that each outer fold's search ended with.
        outer: what those say of the outer folds.
    """

    recipe: Recipe
    of_folds: tuple[Recipe, ...]
    outer: OutOfFold


def tune(recipe: Recipe, tuning: Tuning, prepare: Prepare, folds: Int64, cache: Path) -> Tuned:
    """Search a recipe, and judge the search; see ``search``.

    Args:
        recipe: what is varied.
        tuning: space, trials, inner folds.
        prepare: gives data and network for a recipe.
        folds: (n,) the outer folds.
        cache: folder of the trials' journals.
    """
    found, parts = [], []
    for fold in range(int(folds.max()) + 1):
        best = search(recipe, tuning, prepare, folds != fold, cache, f"outer fold {fold + 1}")
        found.append(best)
        parts.append(cross_validate(prepare(best), folds, only=fold))
    last = search(recipe, tuning, prepare, folds >= 0, cache)
    return Tuned(last, tuple(found), _pooled(parts, folds))


def search(
    recipe: Recipe,
    tuning: Tuning,
    prepare: Prepare,
    takes_part: Bool,
    cache: Path,
    title: str = "all patients",
) -> Recipe:
    """The best recipe by cross-validation among some patients.

    A search that was cut short goes on, and finished trials are not done again.

    Args:
        recipe: what is varied; the first trial is the recipe as it is.
        tuning: space, trials, inner folds.
        prepare: gives data and network for a recipe.
        takes_part: (n,) slices that may be looked at.
        cache: folder of the trials' journals.
        title: of the progress bar.
    """
    patients = hashlib.sha256(np.packbits(takes_part).tobytes()).hexdigest()[:16]
    journal = cache / "tuning" / f"{prepare(recipe).runs.name}.journal"
    journal.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=f"{patients} {tuning.model_dump_json(exclude={'trials'})}",
        sampler=optuna.samplers.TPESampler(seed=recipe.seed, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        direction="maximize" if tuning.metric == "roc_auc" else "minimize",
        load_if_exists=True,
    )
    finished = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(_own_values(recipe, tuning.space))
    with tqdm(total=tuning.trials, initial=len(finished), desc=f"tuning, {title}", unit="trial") as bar:

        def tell(study: optuna.Study, _: optuna.trial.FrozenTrial) -> None:
            bar.update()
            bar.set_postfix({"best": f"{study.best_value:.4f}"})

        study.optimize(
            lambda trial: _score(varied(recipe, trial, tuning.space), tuning, prepare, takes_part, trial),
            n_trials=max(0, tuning.trials - len(finished)),
            callbacks=[tell],
        )
    return varied(recipe, optuna.trial.FixedTrial(study.best_params), tuning.space)


def varied(recipe: Recipe, trial: optuna.trial.BaseTrial, space: SearchSpace) -> Recipe:
    """The recipe with a trial's values."""
    architecture = {
        "dropout": _within(trial, "dropout", space.dropout),
        "hidden": _among(trial, "hidden", space.hidden),
        "activation": _among(trial, "activation", space.activation),
        "fusion": _among(trial, "fusion", space.fusion),
    }
    training = {
        "learning_rate": _within(trial, "learning_rate", space.learning_rate),
        "weight_decay": _within(trial, "weight_decay", space.weight_decay),
        "batch_size": _among(trial, "batch_size", space.batch_size),
        "frozen_depth": _among(trial, "frozen_depth", [depth.value for depth in space.frozen_depth]),
    }
    changes = {
        "architecture": architecture,
        "training": training,
        "preprocess": {"size": _among(trial, "size", space.size)},
    }
    return recipe.changed(
        {
            block: {name: value for name, value in members.items() if value is not None}
            for block, members in changes.items()
        }
    )


def _score(recipe: Recipe, tuning: Tuning, prepare: Prepare, takes_part: Bool, trial: optuna.Trial) -> float:
    """Mean over the inner folds; a trial that falls behind is given up."""
    prepared = prepare(recipe)
    inner = _inner_folds(prepared, takes_part, tuning.inner_folds, recipe.seed)
    scores: list[float] = []
    for fold in range(tuning.inner_folds):
        said = cross_validate(prepared, inner, only=fold, with_embedding=False, quiet=True)
        held_out = inner == fold
        truth = prepared.data.labels[held_out] == said.logits.shape[1] - 1
        stroke = _probability(said.logits[held_out])
        scores.append(
            float(roc_auc_score(truth, stroke) if tuning.metric == "roc_auc" else log_loss(truth, stroke))
        )
        trial.report(float(np.mean(scores)), fold)
        if fold < tuning.inner_folds - 1 and trial.should_prune():
            raise optuna.TrialPruned
    return float(np.mean(scores))


def _inner_folds(prepared: Prepared, takes_part: Bool, count: int, seed: int) -> Int64:
    """Folds by patient among those that take part; -1 for all others, which are then never touched."""
    rows = np.flatnonzero(takes_part)
    data = prepared.data
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    inner = np.full(len(takes_part), -1, dtype=np.int64)
    parts = splitter.split(rows[:, np.newaxis], data.labels[rows], data.patients[rows])
    for fold, (_, held_out) in enumerate(parts):
        inner[rows[held_out]] = fold
    return inner


def _own_values(recipe: Recipe, space: SearchSpace) -> dict[str, Any]:
    """The recipe's own values, so that the search begins with what it must beat."""
    own: dict[str, Any] = {
        "dropout": recipe.architecture.dropout,
        "hidden": recipe.architecture.hidden,
        "activation": recipe.architecture.activation,
        "fusion": recipe.architecture.fusion,
        "learning_rate": recipe.training.learning_rate,
        "weight_decay": recipe.training.weight_decay,
        "batch_size": recipe.training.batch_size,
        "frozen_depth": recipe.training.frozen_depth.value,
        "size": recipe.preprocess.size,
    }
    inside = {}
    for name, value in own.items():
        choice = getattr(space, name)
        if (isinstance(choice, Range) and choice.low <= value <= choice.high) or (
            isinstance(choice, tuple) and value in choice
        ):
            inside[name] = value
    return inside


def _pooled(parts: list[OutOfFold], folds: Int64) -> OutOfFold:
    """Each outer fold as its own search's recipe judged it."""
    rows = np.arange(len(folds))
    return OutOfFold(
        logits=np.stack([part.logits for part in parts])[folds, rows],
        embedding=np.stack([part.embedding for part in parts])[folds, rows],
        folds=folds,
        epochs=tuple(part.epochs[0] for part in parts),
        scores=tuple(part.scores[0] for part in parts),
        files=tuple(part.files[0] for part in parts),
    )


def _probability(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of the last class: (n,)."""
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    clipped: NDArray[np.float64] = np.clip(odds[:, -1] / odds.sum(axis=1), _CLIP, 1 - _CLIP)
    return clipped


def _within(trial: optuna.trial.BaseTrial, name: str, numbers: Range | None) -> float | None:
    return trial.suggest_float(name, numbers.low, numbers.high, log=numbers.log) if numbers else None


def _among(trial: optuna.trial.BaseTrial, name: str, choices: Any) -> Any:
    return trial.suggest_categorical(name, list(choices)) if choices else None
