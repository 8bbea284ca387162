"""Train once for each fold and once on all, and keep what each fold says of patients it never saw."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from trainer.data import Dataset
from trainer.network import FusionHead, HybridNetwork
from trainer.recipe import Recipe
from trainer.training.activations import keep_activations, open_activations
from trainer.training.distributed import Ranks, this_device
from trainer.training.engine import Predicted, TrainingData, fit, predict
from trainer.training.lock import locked
from trainer.training.sampling import kept_aside
from trainer.training.side_by_side import run_side_by_side
from trainer.training.stages import FrozenPrefix, SplitNetwork
from trainer.training.views import SliceViews, ViewGroup, view_groups

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_DECIDES = {"architecture", "preprocess", "augmentation", "training", "seed"}
"""What of a recipe decides about the weights."""


@dataclass(frozen=True)
class Inputs:
    """What a training is made from.

    Attributes:
        dataset: labelled slices.
        recipe: everything that decides about the result.
        classes: number of logits.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder of activations, results and checkpoints, kept between runs.
    """

    dataset: Dataset
    recipe: Recipe
    classes: int
    pretrained: Path | None
    cache: Path


@dataclass(frozen=True)
class Prepared:
    """Everything that the trainings of one recipe share.

    Attributes:
        inputs: what it was prepared from.
        network: with ImageNet weights and an untrained head; trainings work on copies.
        origin: where the ImageNet weights came from.
        data: activations and truth.
        runs: folder of this recipe's results and checkpoints on this data.
        ranks: the processes that train one network together.
        jobs: how many folds are trained side by side.
    """

    inputs: Inputs
    network: HybridNetwork
    origin: str
    data: TrainingData
    runs: Path
    ranks: Ranks
    jobs: int

    @property
    def recipe(self) -> Recipe:
        """What the trainings follow."""
        return self.inputs.recipe


@dataclass(frozen=True)
class OutOfFold:
    """What networks say of patients they never saw.

    Attributes:
        logits: (n, classes); meaningless where ``folds`` is negative.
        embedding: (n, features), likewise.
        folds: (n,) in which fold each slice is held out; negative: in none.
        epochs: after how many epochs each fold was best.
        scores: what stopping followed after each epoch of each fold, the lower the better.
        files: of each fold's results.
    """

    logits: Float32
    embedding: Float32
    folds: Int64
    epochs: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    files: tuple[Path, ...]

    def embedding_by(self, fold: int) -> Float32:
        """(n, features) of all slices by one fold's network."""
        with safe_open(self.files[fold], "numpy") as file:
            embedding: Float32 = file.get_tensor("embedding")
        return embedding


def prepare_training(
    dataset: Dataset,
    recipe: Recipe,
    classes: int,
    pretrained: Path | None,
    cache: Path,
    ranks: Ranks | None = None,
    jobs: int = 1,
) -> Prepared:
    """Load the ImageNet weights and run what stays frozen once.

    Args:
        dataset: labelled slices.
        recipe: everything that decides about the result.
        classes: number of logits.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder of activations, results and checkpoints, kept between runs.
        ranks: the processes that train one network together.
        jobs: how many processes share the views and then the folds, on this machine.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        CacheError: the disk is too small.
        DatasetError: a picture cannot be decoded.
    """
    ranks = ranks or Ranks()
    inputs = Inputs(dataset, recipe, classes, pretrained, cache)
    network = HybridNetwork(recipe.architecture, classes)
    origin = network.load_pretrained(pretrained)
    weights = network.backbone_sha256()
    prefix, views = _prefix(network, recipe), _views(inputs)
    if jobs > 1:
        run_side_by_side(jobs, _keep_share, [(inputs, (job, jobs)) for job in range(jobs)])
    else:
        keep_activations(*views, prefix, cache, this_device(ranks), (ranks.rank, ranks.size))
    ranks.wait()
    kept = open_activations(*views, prefix, cache)
    stated = f"{dataset.sha256} {weights} {recipe.model_dump_json(include=_DECIDES)}"
    runs = cache / "runs" / hashlib.sha256(stated.encode()).hexdigest()[:32]
    data = TrainingData(kept, dataset.labels.astype(np.int64), dataset.patients)
    return Prepared(inputs, network, origin, data, runs, ranks, jobs)


def cross_validate(
    prepared: Prepared,
    folds: Int64,
    *,
    only: int | None = None,
    with_embedding: bool = True,
    quiet: bool = False,
) -> OutOfFold:
    """Train a network for each fold on the other folds' patients, and let it judge the fold.

    A fold that was done before, with the same data and recipe, is not done again; one that was cut short goes
    on from its last epoch. Slices whose fold is negative take no part at all.

    Args:
        prepared: from ``prepare_training``.
        folds: (n,) the fold that each slice is held out in.
        only: do this fold alone.
        with_embedding: keep the embedding too; without, it is zero.
        quiet: show no progress.
    """
    split = hashlib.sha256(np.ascontiguousarray(folds).tobytes()).hexdigest()[:16]
    count = int(folds.max()) + 1
    wanted = range(count) if only is None else range(only, only + 1)
    if prepared.jobs > 1 and len(wanted) > 1:
        run_side_by_side(prepared.jobs, _train_one, [(prepared.inputs, folds, fold) for fold in wanted])
    classes, features = prepared.network.head.classify.out_features, sum(prepared.network.widths)
    logits = np.zeros((len(folds), classes), dtype=np.float32)
    embedding = np.zeros((len(folds), features), dtype=np.float32)
    epochs, scores, files = [], [], []
    for fold in wanted:
        kind = "fold" if with_embedding else "logits-of-fold"
        file = prepared.runs / split / f"{kind}-{fold}.safetensors"
        learned_from = np.flatnonzero((folds != fold) & (folds >= 0))
        with locked(file.with_suffix(".lock")) if prepared.ranks.is_first else nullcontext():
            if not prepared.ranks.agree(file.is_file()):
                title = "" if quiet else f"fold {fold + 1} of {count}"
                _train_fold(prepared, learned_from, prepared.recipe.seed + fold, file, title, with_embedding)
        held_out = folds == fold
        with safe_open(file, "numpy") as kept:
            logits[held_out] = kept.get_tensor("logits")[held_out]
            if with_embedding:
                embedding[held_out] = kept.get_tensor("embedding")[held_out]
            fitted = json.loads(kept.metadata()["fitted"])
        epochs.append(int(fitted["epochs"]))
        scores.append(tuple(fitted["scores"]))
        files.append(file)
    return OutOfFold(logits, embedding, folds, tuple(epochs), tuple(scores), tuple(files))


def fit_final(prepared: Prepared, rows: Int64, epochs: int) -> tuple[HybridNetwork, Predicted]:
    """Train on the slices ``rows`` for a given number of epochs: the network, and what it says of all slices."""
    recipe, data, ranks = prepared.recipe, prepared.data, prepared.ranks
    chosen = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()[:16]
    network = _untrained(prepared, recipe.seed)
    learner = SplitNetwork(network, recipe.training.frozen_depth)
    fit(
        learner,
        data,
        rows,
        None,
        recipe.training,
        recipe.seed,
        checkpoint=prepared.runs / f"final-{chosen}-{epochs}.checkpoint",
        stop_after=epochs,
        ranks=ranks,
        title="final network",
    )
    predicted = predict(learner, data.activations, np.arange(len(data.labels)), ranks)
    return network.cpu(), predicted


def write_out_of_fold(held_out: OutOfFold, dataset: Dataset, path: Path) -> None:
    """Write what held-out patients were told, beside the truth: safetensors, in the data set's order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    tensors: dict[str, NDArray[Any]] = {
        "logits": held_out.logits,
        "embedding": held_out.embedding,
        "folds": held_out.folds,
        "labels": dataset.labels,
    }
    save_file(tensors, part, {"dataset": dataset.sha256})
    part.replace(path)


def median_epochs(epochs: Sequence[int]) -> int:
    """How long to train the final network: the median of the folds' best epochs, at least one."""
    return max(1, int(median(epochs)))


def _views(inputs: Inputs) -> tuple[SliceViews, tuple[ViewGroup, ...]]:
    dataset, recipe = inputs.dataset, inputs.recipe
    source = SliceViews(dataset, recipe.preprocess, recipe.augmentation, recipe.seed)
    return source, view_groups(dataset, recipe.training, recipe.seed)


def _prefix(network: HybridNetwork, recipe: Recipe) -> FrozenPrefix:
    return SplitNetwork(network, recipe.training.frozen_depth).prefix()


def _keep_share(inputs: Inputs, share: tuple[int, int]) -> None:
    """The share of the views through the frozen part that a process of its own takes."""
    network = HybridNetwork(inputs.recipe.architecture, inputs.classes)
    network.load_pretrained(inputs.pretrained)
    prefix = _prefix(network, inputs.recipe)
    keep_activations(*_views(inputs), prefix, inputs.cache, this_device(Ranks()), share)


def _train_one(inputs: Inputs, folds: Int64, fold: int) -> None:
    """One fold in a process of its own; its result is in the cache then."""
    prepared = prepare_training(
        inputs.dataset, inputs.recipe, inputs.classes, inputs.pretrained, inputs.cache
    )
    cross_validate(prepared, folds, only=fold)


def _train_fold(
    prepared: Prepared, rows: Int64, seed: int, file: Path, title: str, with_embedding: bool
) -> None:
    recipe, data, ranks = prepared.recipe, prepared.data, prepared.ranks
    learn, stop = (
        (rows, None)
        if recipe.training.monitor == "training_loss"
        else kept_aside(rows, data.labels, data.patients, seed)
    )
    learner = SplitNetwork(_untrained(prepared, seed), recipe.training.frozen_depth)
    checkpoint = file.with_suffix(".checkpoint")
    fitted = fit(
        learner,
        data,
        learn,
        stop,
        recipe.training,
        seed,
        checkpoint=checkpoint,
        ranks=ranks,
        title=title,
    )
    said = predict(learner, data.activations, np.arange(len(data.labels)), ranks)
    if ranks.is_first:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        metadata = {"fitted": json.dumps(asdict(fitted))}
        tensors = {"logits": said.logits} | ({"embedding": said.embedding} if with_embedding else {})
        save_file(tensors, part, metadata)
        part.replace(file)
        checkpoint.unlink(missing_ok=True)
    ranks.wait()


def _untrained(prepared: Prepared, seed: int) -> HybridNetwork:
    """A copy of the ImageNet network with a head of its own."""
    network = deepcopy(prepared.network)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network.head = FusionHead(
            prepared.recipe.architecture, network.widths, network.head.classify.out_features
        )
    return network
