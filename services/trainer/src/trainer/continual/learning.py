"""Latent replay: the head learns new cases from their embeddings, beside what the champion was taught with.

The backbones stay, so an embedding means the same before and after and no image is needed (latent replay: Pellegrini
et al., IROS 2020). Each batch is part new cases, part replay, drawn so that classes, and patients within a class,
come alike often. What the champion answers rightly it is asked to keep answering alike (distillation: Hinton et al.
2015; against forgetting: Li and Hoiem, TPAMI 2018). Batch norms keep the champion's statistics: they are what a
head that sees one scanner only would lose first. Nothing is dropped out: a solved head speaks through two hidden
units, and a lost one would be half of what it says.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ictus.model.permitted_changes import Learning
from trainer.exemplars import Embedded
from trainer.network import FusionHead
from trainer.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from trainer.training.head import predict

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

_FEWEST_HELD: Final = 2
"""Patients of the new cases that must be held out for a score of them to mean anything."""

Watch = Callable[[int, int, float], None]
"""Told of the epochs done, of how many at most, and of the score; may raise to stop."""


@dataclass(frozen=True)
class Material:
    """What a head learns from, and what it is followed by; no patient is in two of them.

    Attributes:
        new: slices of new cases.
        memory: replay and earlier cases.
        held_new: slices of new cases that are kept aside for early stopping, maybe none.
        held_memory: likewise of replay.
    """

    new: Embedded
    memory: Embedded
    held_new: Embedded
    held_memory: Embedded


@dataclass(frozen=True)
class Learned:
    """A head and how it came about.

    Attributes:
        head: in evaluation mode.
        epoch: after how many epochs it was best.
        scores: after each epoch: mean log loss on what was held out, the lower the better.
    """

    head: FusionHead
    epoch: int
    scores: tuple[float, ...]


def joined(*parts: Embedded) -> Embedded:
    """Several sets of slices as one, without their groups; equal patient numbers in them are the same patient."""
    return Embedded(
        np.concatenate([part.embedding for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.patients for part in parts]),
    )


def none_of(slices: Embedded) -> Embedded:
    """No slices, in the same embedding space."""
    return slices.take(np.array([], dtype=np.int64))


def hold_out(slices: Embedded, share: float, seed: int) -> NDArray[np.bool_]:
    """(n,) whether a slice is of a patient kept aside: a share of those with a stroke and of those without.

    Nobody is kept aside of a group that has fewer than two patients.
    """
    random = np.random.default_rng(seed)
    with_stroke = np.unique(slices.patients[slices.labels == 1])
    without = np.setdiff1d(np.unique(slices.patients), with_stroke)
    held: list[int] = []
    for group in (with_stroke, without):
        count = min(max(round(share * len(group)), 1), len(group) - 1) if share and len(group) > 1 else 0
        held += random.permutation(group)[:count].tolist()
    return np.isin(slices.patients, held)


def learn(
    champion: FusionHead,
    material: Material,
    params: Learning,
    seed: int,
    checkpoint: Path | None = None,
    watch: Watch | None = None,
) -> Learned:
    """Teach a copy of the champion's head; goes on after the last epoch that ``checkpoint`` holds.

    The same champion, material, parameters and seed give the same head, however often a run was cut short.

    Args:
        champion: stays as it is.
        material: at least two slices that are new.
        params: of the permitted changes.
        seed: of the batches.
        checkpoint: written whole after each epoch; None keeps nothing.
        watch: told after each epoch.
    """
    head = copy.deepcopy(champion)
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay
    )
    done = _resume(head, optimiser, checkpoint)
    is_followed = len(np.unique(material.held_new.patients)) >= _FEWEST_HELD
    drawn = _Drawn(champion, material, params, seed)
    while done.epoch < params.epochs:
        if is_followed and done.epoch - done.best_epoch >= params.patience:
            break
        loss = _run_epoch(head, optimiser, drawn, params, done.epoch)
        score = followed_loss(head, material) if is_followed else loss
        is_best = not is_followed or score < done.best_score
        done = Checkpoint(
            epoch=done.epoch + 1,
            best_epoch=done.epoch + 1 if is_best else done.best_epoch,
            best_score=score if is_best else done.best_score,
            weights=_copied(head),
            best_weights=_copied(head) if is_best else done.best_weights,
            average={},
            optimiser=optimiser.state_dict(),
            scaler={},
            random=torch.get_rng_state(),
            scores=[*done.scores, score],
        )
        if checkpoint is not None:
            save_checkpoint(done, checkpoint)
        if watch is not None:
            watch(done.epoch, params.epochs, score)
    head.load_state_dict(done.best_weights)
    return Learned(head.eval(), done.best_epoch, tuple(done.scores))


def log_loss(head: FusionHead, slices: Embedded) -> float:
    """Mean over the classes that occur of the mean negative log-probability of the truth, before calibration."""
    spread = torch.log_softmax(torch.from_numpy(predict(head, slices.embedding)).double(), dim=1).numpy()
    of_truth = -spread[np.arange(len(slices.labels)), slices.labels]
    return float(np.mean([of_truth[slices.labels == label].mean() for label in np.unique(slices.labels)]))


def balanced_weights(slices: Embedded) -> Float64:
    """(n,) how often each is drawn: classes alike, patients within a class alike, their slices alike; sums to 1."""
    weights = np.zeros(len(slices.labels))
    classes = np.unique(slices.labels)
    for label in classes:
        members = np.flatnonzero(slices.labels == label)
        _, patient, count = np.unique(slices.patients[members], return_inverse=True, return_counts=True)
        weights[members] = 1 / (len(classes) * len(count) * count[patient])
    return weights


class _Drawn:
    """The batches of a run: (embedding, labels, the champion's logits, whether to stay with them)."""

    def __init__(self, champion: FusionHead, material: Material, params: Learning, seed: int) -> None:
        self._pools = [part for part in (material.new, material.memory) if len(part.labels)]
        everything = joined(*self._pools)
        logits = predict(champion, everything.embedding)
        self._embedding = torch.from_numpy(everything.embedding)
        self._labels = torch.from_numpy(everything.labels)
        self._logits = torch.from_numpy(logits)
        self._kept = torch.from_numpy(logits.argmax(axis=1) == everything.labels)
        self._seed = seed
        share = params.new_share if len(self._pools) > 1 else 1.0
        fresh = max(2, round(params.batch_size * share))
        self._sizes = [fresh, params.batch_size - fresh][: len(self._pools)]
        self.steps = max(params.minimum_steps, -(-len(material.new.labels) // fresh))

    def epoch(self, number: int) -> list[Int64]:
        """Rows of each batch; the same seed and number always give the same."""
        random = np.random.default_rng((self._seed, number))
        first, rows = 0, []
        for pool, size in zip(self._pools, self._sizes, strict=True):
            weights = balanced_weights(pool)
            rows.append(first + random.choice(len(weights), (self.steps, size), p=weights))
            first += len(weights)
        return list(np.concatenate(rows, axis=1))

    def batch(self, rows: Int64) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What these rows hold."""
        at = torch.from_numpy(rows)
        return self._embedding[at], self._labels[at], self._logits[at], self._kept[at]


def _run_epoch(
    head: FusionHead, optimiser: torch.optim.Optimizer, drawn: _Drawn, params: Learning, epoch: int
) -> float:
    """One epoch; the mean loss."""
    head.eval()
    total = 0.0
    for rows in drawn.epoch(epoch):
        embedding, labels, before, kept = drawn.batch(rows)
        logits = head(embedding)
        loss = F.cross_entropy(logits, labels)
        if params.distillation and bool(kept.any()):
            loss = loss + params.distillation * _apart(logits[kept], before[kept], params.temperature)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += float(loss.detach())
    return total / drawn.steps


def _apart(logits: Tensor, before: Tensor, temperature: float) -> Tensor:
    """KL of the champion's from the head's spread over the classes, scaled as gradients of labels are."""
    return (
        F.kl_div(
            F.log_softmax(logits / temperature, dim=1),
            F.log_softmax(before / temperature, dim=1),
            reduction="batchmean",
            log_target=True,
        )
        * temperature**2
    )


def followed_loss(head: FusionHead, material: Material) -> float:
    """Mean log loss on held-out new cases and held-out replay, each counting alike."""
    parts = [part for part in (material.held_new, material.held_memory) if len(part.labels)]
    return float(np.mean([log_loss(head, part) for part in parts]))


def _resume(head: FusionHead, optimiser: torch.optim.Optimizer, checkpoint: Path | None) -> Checkpoint:
    kept = load_checkpoint(checkpoint) if checkpoint is not None else None
    if kept is None:
        start = _copied(head)
        return Checkpoint(0, 0, float("inf"), start, start, {}, {}, {}, torch.get_rng_state(), [])
    head.load_state_dict(kept.weights)
    optimiser.load_state_dict(dict(kept.optimiser))
    return kept


def _copied(head: FusionHead) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in head.state_dict().items()}
