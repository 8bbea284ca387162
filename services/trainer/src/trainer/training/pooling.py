"""Learning from labels of patients: which of a patient's slices shows the stroke, nobody said.

Multiple-instance learning (Dietterich 1997): the head scores every slice, the slices of a patient are pooled to one
score, and only that is held against the label. So a stroke patient's slice without a lesion need not look like one.
The head is the network's own, so what it has learned can be explained and served like any other.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ictus.model.manifest import Architecture
from trainer.evaluation.bootstrap import Interval, interval, patient_weights, whole
from trainer.evaluation.weighted import roc_auc
from trainer.network import FusionHead
from trainer.training.pooling_params import Pooling, PoolingParams

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Bags:
    """Slices of patients.

    Attributes:
        embedding: (n, features).
        patients: (n,) whose each slice is.
        labels: (n,) of the patient.
    """

    embedding: Float32
    patients: NDArray[np.str_]
    labels: Bool

    def of(self, rows: Int64 | Bool) -> "Bags":
        """Some of the slices."""
        return Bags(self.embedding[rows], self.patients[rows], self.labels[rows])

    def by_patient(self) -> tuple[NDArray[np.str_], Bool]:
        """(patients,) names in order, and their labels."""
        names, first = np.unique(self.patients, return_index=True)
        return names, self.labels[first]

    def places(self) -> Tensor:
        """(patients, most) int64 positions of each patient's slices, -1 where there are fewer."""
        names, bag, count = np.unique(self.patients, return_inverse=True, return_counts=True)
        places = np.full((len(names), int(count.max())), -1, dtype=np.int64)
        order = np.argsort(bag, kind="stable")
        column = np.arange(len(bag)) - np.repeat(np.cumsum(count) - count, count)
        places[bag[order], column] = order
        return torch.from_numpy(places)


class PooledHead(nn.Module):
    """A head that scores slices, and how a patient's scores are pooled."""

    def __init__(self, architecture: Architecture, widths: tuple[int, int], params: PoolingParams) -> None:
        super().__init__()
        self.params = params
        self.head = FusionHead(architecture, widths, 2)
        self.attend = nn.Sequential(nn.Linear(architecture.hidden, 32), nn.Tanh(), nn.Linear(32, 1))

    def score(self, embedding: Tensor) -> Tensor:
        """(n, features) to (n,) log odds of a stroke on each slice."""
        logits = self.head(embedding)
        scores: Tensor = logits[:, 1] - logits[:, 0]
        return scores

    def forward(self, embedding: Tensor, places: Tensor) -> Tensor:
        """(n, features) and ``Bags.places`` to (patients,) log odds of each patient."""
        scores, absent = self.score(embedding)[places.clamp(min=0)], places < 0
        if self.params.pooling is Pooling.ATTENTION:
            weights = self.attend(self.head.represent(embedding))[:, 0][places.clamp(min=0)]
            attention: Tensor = torch.softmax(weights.masked_fill(absent, -torch.inf), 1)
            return (attention * scores).sum(1)
        if self.params.pooling is Pooling.TOP:
            count = min(self.params.top, places.shape[1])
            highest, at = scores.masked_fill(absent, -torch.inf).topk(count, dim=1)
            missing = absent.gather(1, at)
            return highest.masked_fill(missing, 0).sum(1) / (~missing).sum(1)
        none = F.logsigmoid(-scores).masked_fill(absent, 0).sum(1).clamp(max=-1e-6)
        pooled: Tensor = torch.log(-torch.expm1(none)) - none
        return pooled


@dataclass(frozen=True)
class PooledScores:
    """What heads say that never saw the patient.

    Attributes:
        slices: (n,) log odds of each slice.
        patients: (patients,) log odds of each patient, in the order of ``Bags.by_patient``.
        heads: those of each fold.
    """

    slices: Float32
    patients: Float32
    heads: tuple[tuple[PooledHead, ...], ...]


def fit_pooled(
    bags: Bags, architecture: Architecture, widths: tuple[int, int], params: PoolingParams, seed: int
) -> PooledHead:
    """Fit one head; classes weigh alike. The result depends on the seed and the order of slices alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the work is small: threads wait for each other longer than they work
    try:
        return _fit(bags, architecture, widths, params, seed)
    finally:
        torch.set_num_threads(threads)


def _fit(
    bags: Bags, architecture: Architecture, widths: tuple[int, int], params: PoolingParams, seed: int
) -> PooledHead:
    _, labels = bags.by_patient()
    places, embedding = bags.places(), torch.from_numpy(bags.embedding)
    truth = torch.from_numpy(labels.astype(np.float32))
    weight = torch.where(truth > 0, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = PooledHead(architecture, widths, params).train()
        optimiser = torch.optim.AdamW(
            head.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay
        )
        for _ in range(params.epochs):
            optimiser.zero_grad()
            loss = F.binary_cross_entropy_with_logits(head(embedding, places), truth, weight)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return head.eval()


def judge_patients(
    bags: Bags,
    folds: Int64,
    architecture: Architecture,
    widths: tuple[int, int],
    params: PoolingParams,
    seed: int,
) -> PooledScores:
    """Fit heads for each fold on the other folds' patients, and let them judge the fold.

    Args:
        bags: all slices.
        folds: (n,) the fold that each slice is held out in; no patient is in two.
        architecture: of the head.
        widths: features of both backbones.
        params: how the head is fitted.
        seed: of the first head; the others take the next ones.
    """
    names, _ = bags.by_patient()
    slices, patients = np.zeros(len(folds), np.float32), np.zeros(len(names), np.float32)
    fitted = []
    for fold in np.unique(folds):
        out = folds == fold
        heads = tuple(
            fit_pooled(bags.of(~out), architecture, widths, params, seed + number)
            for number in range(params.heads)
        )
        held_out = bags.of(out)
        told = np.unique(held_out.patients)
        places, embedding = held_out.places(), torch.from_numpy(held_out.embedding)
        with torch.inference_mode():
            slices[out] = torch.stack([head.score(embedding) for head in heads]).mean(0).numpy()
            of_patients = torch.stack([head(embedding, places) for head in heads]).mean(0).numpy()
        patients[np.searchsorted(names, told)] = of_patients
        fitted.append(heads)
    return PooledScores(slices, patients, tuple(fitted))


def patient_auc(scores: Float32, bags: Bags, seed: int, among: Bool | None = None) -> Interval:
    """Area under the ROC curve of patients with its 95 % interval.

    Args:
        scores: (patients,) in the order of ``Bags.by_patient``.
        bags: the slices they were made from.
        seed: of the resamples.
        among: (patients,) which of them count; None counts all.

    Raises:
        EvaluationError: those who count are of one class.
    """
    names, labels = bags.by_patient()
    chosen = np.ones(len(names), np.bool_) if among is None else among
    names, labels, said = names[chosen], labels[chosen], scores[chosen].astype(np.float64)
    resampled = roc_auc(said, labels, patient_weights(names, labels, seed))
    return interval(float(roc_auc(said, labels, whole(len(said)))[0]), resampled)
