import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ictus.model.manifest import Architecture
from trainer.network import FusionHead
from trainer.training.activations import KeptActivations
from trainer.training.engine import TrainingData, fit
from trainer.training.head import LoneHead, predict
from trainer.training.logistic import solve_head
from trainer.training.params import TrainingParams
from trainer.training.sampling import kept_aside

COUNT, FEATURES = 240, 30
PARAMS = TrainingParams(solver="logistic", penalties=(0.05,), painted_weight=0.5)


@pytest.fixture
def head() -> FusionHead:
    torch.manual_seed(0)
    return FusionHead(Architecture(hidden=8), (20, 10), 2).eval()


@pytest.fixture
def data() -> TrainingData:
    """Two views of each slice of sixty patients, and a painted one of every fourth without a stroke."""
    rng = np.random.default_rng(3)
    labels = (np.arange(COUNT) % 3 == 0).astype(np.int64)
    patients = (np.arange(COUNT) // 4).astype(str)
    shift = rng.normal(size=FEATURES)
    plain = rng.normal(size=(COUNT, FEATURES)) * 0.7 + 3 + labels[:, None] * shift * 0.4
    again = plain + rng.normal(size=plain.shape) * 0.1
    bled = np.flatnonzero(labels == 0)[::4]
    painted = plain[bled] + shift * 0.4
    places = np.tile(np.arange(COUNT), (3, 1))
    places[2] = -1
    places[2, bled] = np.arange(len(bled))
    arrays = tuple({"embedding": values.astype(np.float16)} for values in (plain, again, painted))
    kept = KeptActivations(arrays, places, np.array([False, False, True]))
    return TrainingData(kept, labels, patients)


def test_solved_head_is_the_logistic_regression_of_all_views(head: FusionHead, data: TrainingData) -> None:
    rows = np.arange(0, COUNT, 2)
    solve_head(head, data.activations, data.labels, data.patients, rows, PARAMS, seed=0)
    plain, again, painted = (a["embedding"].astype(np.float32) for a in data.activations.arrays)
    bled = np.isin(np.flatnonzero(data.activations.places[2] >= 0), rows)
    views = np.concatenate([plain[rows], again[rows], painted[bled]])
    stroke = np.concatenate([data.labels[rows], data.labels[rows], np.ones(bled.sum())])
    weight = np.repeat([1.0, 0.5], [2 * len(rows), bled.sum()])
    mean, spread = views.mean(axis=0), np.sqrt(views.var(axis=0) + head.norm_in.eps)
    reference = LogisticRegression(C=0.05, max_iter=500, tol=1e-6).fit(
        (views - mean) / spread, stroke, sample_weight=weight
    )
    logits = predict(head, plain)
    expected = reference.decision_function((plain - mean) / spread)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=2e-2)


def test_solved_head_keeps_its_answers_in_half_precision(head: FusionHead, data: TrainingData) -> None:
    rows = np.arange(COUNT)
    solve_head(head, data.activations, data.labels, data.patients, rows, PARAMS, seed=0)
    features = data.activations.arrays[0]["embedding"].astype(np.float32)
    before = predict(head, features)
    for parameter in (head.dense.weight, head.classify.weight):
        parameter.data = parameter.data.half().float()
    np.testing.assert_allclose(predict(head, features), before, atol=1e-2)


def test_penalty_is_chosen_on_patients_kept_aside(head: FusionHead, data: TrainingData) -> None:
    rng = np.random.default_rng(1)
    noisy = data.labels ^ (rng.random(COUNT) < 0.25)
    rows, penalties = np.arange(COUNT), (1e-4, 1e-2, 1e3)
    features = data.activations.arrays[0]["embedding"].astype(np.float32)

    def solved(penalties: tuple[float, ...], rows: np.ndarray) -> np.ndarray:
        params = PARAMS.model_copy(update={"penalties": penalties})
        solve_head(head, data.activations, noisy, data.patients, rows, params, seed=0)
        logits = predict(head, features)
        return logits[:, 1] - logits[:, 0]

    learn, decide = kept_aside(rows, noisy, data.patients, 0)
    scores = [roc_auc_score(noisy[decide], solved((c,), learn)[decide]) for c in penalties]
    assert len(set(scores)) == len(penalties)
    best = penalties[int(np.argmax(scores))]
    np.testing.assert_allclose(solved(penalties, rows), solved((best,), rows), atol=1e-4)


def test_training_loop_hands_over_to_the_solver(head: FusionHead, data: TrainingData) -> None:
    fitted = fit(LoneHead(head), data, np.arange(COUNT), None, PARAMS, 0, title="")
    logits = predict(head, data.activations.arrays[0]["embedding"].astype(np.float32))
    assert fitted.epochs == 1
    assert roc_auc_score(data.labels, logits[:, 1] - logits[:, 0]) > 0.9


def test_silent_units_can_learn_later(head: FusionHead, data: TrainingData) -> None:
    solve_head(head, data.activations, data.labels, data.patients, np.arange(COUNT), PARAMS, seed=0)
    features = torch.from_numpy(data.activations.arrays[0]["embedding"].astype(np.float32))
    head(features)[:, 1].sum().backward()
    gradient = head.classify.weight.grad
    assert gradient is not None
    assert (gradient[1, 2:].abs() > 0).any()


@pytest.mark.parametrize("change", [{"activation": "gelu"}, {"hidden": 1}, {"fusion": "average"}], ids=str)
def test_head_that_cannot_carry_it_is_refused(change: dict[str, object], data: TrainingData) -> None:
    head = FusionHead(Architecture.model_validate({"hidden": 8, **change}), (20, 10), 2)
    with pytest.raises(ValueError, match="solved head"):
        solve_head(head, data.activations, data.labels, data.patients, np.arange(COUNT), PARAMS, seed=0)


def test_learning_backbones_cannot_be_solved() -> None:
    with pytest.raises(ValidationError, match="frozen_depth"):
        TrainingParams.model_validate({"solver": "logistic", "frozen_depth": "layer4"})
