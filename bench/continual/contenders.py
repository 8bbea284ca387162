"""Ways to go on learning, each given the same round after the same rounds."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bench.continual.embeddings import TwoScanners
from bench.continual.stream import Stream, divide
from ictus.model.permitted_changes import Learning, SolvingWay
from trainer.build import CLASSES
from trainer.continual.learning import Material, joined, learn, none_of
from trainer.continual.solving import solve
from trainer.exemplars import REPLAYED, Embedded, balanced
from trainer.network import FusionHead
from trainer.recipe import Recipe
from trainer.training.activations import KeptActivations
from trainer.training.head import new_head, predict
from trainer.training.logistic import solution_of, solve_head
from trainer.training.stages import EMBEDDING

BASE = "no retraining"
NAIVE = "naive fine-tuning"
REPLAY = "latent replay"
DISTILLED = "latent replay + distillation"
PROTECTED = "replay + distillation + protection"
CEILING = "full retraining"

CONTENDERS = (BASE, NAIVE, REPLAY, DISTILLED, PROTECTED, CEILING)


@dataclass(frozen=True)
class Point:
    """How a contender stands after a round; round 0 is before any.

    Attributes:
        round: 0..ROUNDS.
        old_auc: ROC-AUC of slices from the first scanner.
        new_auc: of slices from the second scanner.
        old_accuracy: at even odds.
        new_accuracy: likewise.
        seconds: that the round took to learn.
    """

    round: int
    old_auc: float
    new_auc: float
    old_accuracy: float
    new_accuracy: float
    seconds: float


def run_division(scanners: TwoScanners, params: Learning, seed: int) -> Mapping[str, list[Point]]:
    """All contenders over the stream of one division of the patients; a process of its own does it with one thread."""
    torch.set_num_threads(1)
    return run(divide(scanners, seed), params, seed)


def run(stream: Stream, params: Learning, seed: int) -> Mapping[str, list[Point]]:
    """All contenders over one stream."""
    base = full_training(stream.base, seed)
    rows = balanced(stream.base.labels, stream.base.patients, REPLAYED, seed)
    replay = stream.base.take(rows)
    free, protected = params.ways
    plain = params.model_copy(update={"distillation": 0.0})
    nothing = none_of(stream.base)

    def naive(head: FusionHead, number: int) -> FusionHead:
        material = Material(stream.rounds[number], nothing, nothing, nothing)
        return learn(head, material, plain, seed + number).head

    def replayed(params: Learning, way: SolvingWay) -> Callable[[FusionHead, int], FusionHead]:
        """Solved again on each round, beside the replay and the rounds before."""

        def solved(head: FusionHead, number: int) -> FusionHead:
            memory = joined(replay, *stream.rounds[:number])
            return _solved(head, Material(stream.rounds[number], memory, nothing, nothing), params, way)

        return solved

    ways: Mapping[str, Callable[[FusionHead, int], FusionHead]] = {
        BASE: lambda head, _: head,
        NAIVE: naive,
        REPLAY: replayed(plain, free),
        DISTILLED: replayed(params, free),
        PROTECTED: replayed(params, protected),
        CEILING: lambda _, number: full_training(joined(stream.base, *stream.rounds[: number + 1]), seed),
    }
    return {name: list(_stand(base, way, stream)) for name, way in ways.items()}


def full_training(slices: Embedded, seed: int) -> FusionHead:
    """A head that learns everything from scratch, as a released model's does."""
    recipe = Recipe()
    params = recipe.training.model_copy(update={"penalties": (3e-4, 1e-3, 3e-3)})
    half = slices.embedding.shape[1]
    head = new_head(recipe, (half, 0), len(CLASSES), seed)
    kept = KeptActivations(
        ({EMBEDDING: slices.embedding},),
        np.arange(len(slices.labels))[np.newaxis],
        np.zeros(1, dtype=np.bool_),
    )
    everybody = np.arange(len(slices.labels))
    solve_head(head, kept, slices.labels, slices.patients.astype(np.str_), everybody, params, seed)
    return head.eval()


def _solved(head: FusionHead, material: Material, params: Learning, way: SolvingWay) -> FusionHead:
    said = solution_of(head)
    if said is None:
        raise ValueError("the base model's head is solved, and stays so")
    return solve(head, said, material, params, way).head


def _stand(base: FusionHead, way: Callable[[FusionHead, int], FusionHead], stream: Stream) -> Iterator[Point]:
    head = base
    yield _point(0, head, stream, 0.0)
    for number in range(len(stream.rounds)):
        began = time.perf_counter()
        head = way(head, number)
        yield _point(number + 1, head, stream, time.perf_counter() - began)


def _point(number: int, head: FusionHead, stream: Stream, seconds: float) -> Point:
    old_auc, old_accuracy = _figures(head, stream.old_test)
    new_auc, new_accuracy = _figures(head, stream.new_test)
    return Point(number, old_auc, new_auc, old_accuracy, new_accuracy, seconds)


def _figures(head: FusionHead, slices: Embedded) -> tuple[float, float]:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 (takes a second to import)

    logits: NDArray[np.float32] = predict(head, slices.embedding)
    accuracy = float((logits.argmax(axis=1) == slices.labels).mean())
    return float(roc_auc_score(slices.labels, logits[:, 1] - logits[:, 0])), accuracy
