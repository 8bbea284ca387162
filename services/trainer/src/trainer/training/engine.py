"""The one training loop: the head alone or with stages of the backbones, in one process or in several."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from trainer.training.activations import KeptActivations
from trainer.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from trainer.training.distributed import Ranks, this_device
from trainer.training.logistic import solve_head
from trainer.training.objective import objective
from trainer.training.optimisation import MovingAverage, Precision, Schedule, new_optimiser
from trainer.training.params import TrainingParams
from trainer.training.sampling import Batch, Sampler
from trainer.training.stages import Learner

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_EVALUATION_BATCH = 64

Watch = Callable[[float, float], bool]
"""Told of the epochs done and of the best score, after each batch and again after each epoch; may raise to stop. What it
says after an epoch decides whether there is another one."""


@dataclass(frozen=True)
class TrainingData:
    """What a network learns from.

    Attributes:
        activations: of n slices.
        labels: (n,) class indices; the last class is stroke.
        patients: (n,) patient of each slice.
    """

    activations: KeptActivations
    labels: Int64
    patients: NDArray[np.str_]


@dataclass(frozen=True)
class Predicted:
    """What a network says of slices.

    Attributes:
        logits: (n, classes).
        embedding: (n, features).
    """

    logits: Float32
    embedding: Float32


@dataclass(frozen=True)
class Fitted:
    """How a training ended; the network itself holds the best weights.

    Attributes:
        epochs: after how many epochs it was best.
        scores: the monitored score after each epoch, the lower the better: on the patients kept aside, or the
            mean training loss where there are none.
    """

    epochs: int
    scores: tuple[float, ...]


def fit(
    learner: Learner,
    data: TrainingData,
    rows: Int64,
    validation: Int64 | None,
    params: TrainingParams,
    seed: int,
    *,
    checkpoint: Path | None = None,
    stop_after: int | None = None,
    ranks: Ranks | None = None,
    title: str = "training",
    watch: Watch | None = None,
) -> Fitted:
    """Train the head and the stages of a learner network, or solve its head where ``params.solver`` says so.

    Args:
        learner: changed in place; its initial weights belong to the caller's seed.
        data: activations and truth.
        rows: of ``data`` that are learned from.
        validation: rows of other patients; training stops when their score no longer improves, and the best
            weights are kept. None keeps the last.
        params: how it is trained.
        seed: of batches, views and dropout.
        checkpoint: file to go on from after a kill, written after each epoch.
        stop_after: ends after so many epochs while rates and phases stay those of ``params.epochs``.
        ranks: the processes of this run.
        title: of the progress bar; empty shows none.
        watch: follows the run, and may end it.
    """
    ranks = ranks or Ranks()
    if params.solver == "logistic":
        solve_head(learner.head, data.activations, data.labels, data.patients, rows, params, seed)
        learner.head.eval()
        return Fitted(epochs=1, scores=())
    with torch.random.fork_rng():
        return _Run(learner, data, rows, validation, params, seed, ranks, title, watch).run(
            checkpoint, stop_after
        )


@torch.no_grad()
def predict(
    learner: Learner, activations: KeptActivations, rows: Int64, ranks: Ranks | None = None
) -> Predicted:
    """Logits and embedding of slices as they are, in evaluation mode."""
    ranks = ranks or Ranks()
    device = next(learner.head.parameters()).device
    learner.head.eval()
    embeddings = []
    for start in range(0, len(rows), _EVALUATION_BATCH):
        batch = rows[start : start + _EVALUATION_BATCH]
        mine = batch[ranks.share(len(batch))]
        given = _to(device, activations.batch(mine, np.zeros_like(mine)))
        embeddings.append(ranks.gather(learner.embed(given), len(batch)))
    embedding = torch.cat(embeddings)
    logits = learner.head(embedding)
    return Predicted(logits.cpu().numpy(), embedding.cpu().numpy())


class _Run:
    """One training from its first or checkpointed epoch to its end."""

    def __init__(
        self,
        learner: Learner,
        data: TrainingData,
        rows: Int64,
        validation: Int64 | None,
        params: TrainingParams,
        seed: int,
        ranks: Ranks,
        title: str,
        watch: Watch | None,
    ) -> None:
        self.learner, self.data, self.validation, self.params = learner, data, validation, params
        self.seed, self.ranks, self.title = seed, ranks, title
        self.watch = watch or (lambda _epochs, _best: True)
        self.device = this_device(ranks)
        learner.to(self.device)
        labels = data.labels[rows]
        classes = learner.head.classify.out_features
        self.sampler = Sampler(data.activations, rows, data.labels, data.patients, classes, params, seed)
        self.loss = objective(params, labels, classes)
        self.schedule = Schedule(params, len(learner.stages), self.sampler.steps())
        self.optimiser = new_optimiser(learner, params)
        self.precision = Precision(params, self.device)
        self.average = MovingAverage(learner, params.average_decay)
        self.epoch = 0
        self.best_epoch, self.best_score = 0, float("inf")
        self.best_weights: Mapping[str, Tensor] = {}
        self.scores: list[float] = []

    def run(self, checkpoint: Path | None, stop_after: int | None) -> Fitted:
        torch.manual_seed(self.seed)
        if checkpoint and (kept := load_checkpoint(checkpoint)):
            self._restore(kept)
        self.ranks.wait()  # none may write a checkpoint that another has not looked for yet
        last = min(stop_after or self.params.epochs, self.params.epochs)
        goes_on = True
        while goes_on and self.epoch < last and not self._has_stalled():
            loss = self._learn()
            self.epoch += 1
            if self.validation is None:
                self.scores.append(loss)
            else:
                self._judge(self.validation)
            if checkpoint and self.ranks.is_first:
                save_checkpoint(self._snapshot(), checkpoint)
            goes_on = self.watch(float(self.epoch), self.best_score)
        if self.best_weights:
            self.learner.load_state(self.best_weights)
        else:
            self.best_epoch = self.epoch
            self.learner.load_state(self._weights_to_keep())
        self.learner.unfreeze(0)
        self.learner.head.eval()
        return Fitted(self.best_epoch, tuple(self.scores))

    def _has_stalled(self) -> bool:
        since = max(self.best_epoch, self.schedule.last_change)
        return self.validation is not None and self.epoch - since >= self.params.patience

    def _learn(self) -> float:
        """One epoch: its mean loss."""
        unfrozen = self.schedule.unfrozen(self.epoch)
        self.learner.unfreeze(unfrozen)
        self.learner.head.train(not self.params.settled_head)
        total, seen = 0.0, 0
        with tqdm(
            self.sampler.epoch(self.epoch),
            total=self.schedule.steps,
            desc=f"{self.title}, epoch {self.epoch + 1}, {unfrozen} stages and head",
            unit="batch",
            leave=False,
            disable=not self.title or not self.ranks.is_first,
        ) as bar:
            for step, batch in enumerate(bar):
                self.schedule.set_rates(self.optimiser, self.epoch, step)
                total += self._step(batch) * len(batch.rows)
                self.watch(self.epoch + step / self.schedule.steps, self.best_score)
                seen += len(batch.rows)
                bar.set_postfix(loss=f"{total / seen:.4f}", best=f"{self.best_score:.4f}", refresh=False)
        return total / seen

    def _step(self, batch: Batch) -> float:
        count = len(batch.rows)
        share = self.ranks.share(count)
        given = _to(self.device, self.data.activations.batch(batch.rows[share], batch.groups[share]))
        labels = torch.from_numpy(batch.labels).to(self.device)
        learns = self.schedule.unfrozen(self.epoch) > 0
        self.optimiser.zero_grad(set_to_none=True)
        with nullcontext() if learns else torch.no_grad(), self.precision.reduced():
            embedding = self.learner.embed(given)
        logits = self.learner.head(self.ranks.gather(embedding.float(), count))
        loss = self.loss(logits, labels)
        torch.autograd.backward(self.precision.scaler.scale(loss))
        for stage in self.learner.stages:
            self.ranks.add_gradients(stage.parameters())
        self.precision.scaler.step(self.optimiser)
        self.precision.scaler.update()
        self.average.update()
        return float(loss.detach())

    def _judge(self, validation: Int64) -> None:
        """Score the patients kept aside, and remember the weights when they are the best so far."""
        with self.average.applied():
            logits = predict(self.learner, self.data.activations, validation, self.ranks).logits
        score = self.ranks.agree(_score(logits, self.data.labels[validation], self.params))
        self.scores.append(score)
        if score < self.best_score:
            self.best_score, self.best_epoch = score, self.epoch
            self.best_weights = {k: v.detach().clone() for k, v in self._weights_to_keep().items()}
        if self.title and self.ranks.is_first:
            tqdm.write(
                f"{self.title}, epoch {self.epoch}: {self.params.monitor} {abs(score):.4f}, "
                f"best {abs(self.best_score):.4f} after {self.best_epoch}"
            )

    def _weights_to_keep(self) -> Mapping[str, Tensor]:
        return self.average.average if self.params.average_decay else self.learner.state()

    def _snapshot(self) -> Checkpoint:
        return Checkpoint(
            epoch=self.epoch,
            best_epoch=self.best_epoch,
            best_score=self.best_score,
            weights=self.learner.state(),
            best_weights=dict(self.best_weights),
            average=self.average.state(),
            optimiser=self.optimiser.state_dict(),
            scaler=self.precision.scaler.state_dict(),
            random=torch.get_rng_state(),
            scores=self.scores,
        )

    def _restore(self, kept: Checkpoint) -> None:
        self.epoch, self.best_epoch, self.best_score = kept.epoch, kept.best_epoch, kept.best_score
        self.learner.load_state(kept.weights)
        self.best_weights = kept.best_weights
        self.average.load_state(kept.average)
        self.optimiser.load_state_dict(dict(kept.optimiser))
        self.precision.scaler.load_state_dict(dict(kept.scaler))
        torch.set_rng_state(kept.random)
        self.scores = list(kept.scores)


def _score(logits: Float32, labels: Int64, params: TrainingParams) -> float:
    """The lower, the better; the area under the curve is negated."""
    if params.monitor == "roc_auc":
        stroke = logits[:, -1] - logits[:, :-1].max(axis=1)
        return -float(roc_auc_score(labels == logits.shape[1] - 1, stroke))
    return float(F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)))


def _to(device: torch.device, activations: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: (values.contiguous(memory_format=torch.channels_last) if values.ndim == 4 else values).to(
            device, non_blocking=True
        )
        for name, values in activations.items()
    }
