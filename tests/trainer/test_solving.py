"""A solved head is solved again: convex, the same each time, and never further from the champion than it is asked to be."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.ictus.conftest import manifest
from tests.trainer.teachable import SHIFT, drawn, make_teachable, quick, solved_head

from ictus.model.manifest import Architecture, ModelManifest
from ictus.model.permitted_changes import SolvingWay, permitted_changes
from trainer.continual.learning import Material, joined, none_of
from trainer.continual.retraining import Order, Retrained, prepare, retrain
from trainer.continual.solving import solve
from trainer.exemplars import Embedded
from trainer.network import FusionHead
from trainer.training.head import predict
from trainer.training.logistic import solution_of

__all__ = ["manifest"]

ORDER = Order("1.1.0", 3, datetime(2026, 1, 1, tzinfo=UTC))
FEATURES = 60
REPLAY = drawn(40, 6, FEATURES, 1)
NEW = drawn(24, 4, FEATURES, 5, SHIFT, first=100)
NOTHING = none_of(REPLAY)


@pytest.fixture
def head() -> FusionHead:
    """Solved on the first scanner."""
    torch.manual_seed(0)
    return solved_head(FusionHead(Architecture(hidden=8), (40, 20), 2), REPLAY)


def again(head: FusionHead, material: Material, distillation: float = 0.5, **changes: float) -> FusionHead:
    """Nothing is protected unless a test asks: the replay varies along all of the few features."""
    said = solution_of(head)
    assert said is not None
    params = permitted_changes().learning.model_copy(update={"distillation": distillation})
    return solve(head, said, material, params, params.ways[0].model_copy(update=changes)).head


def accuracy(head: FusionHead, slices: Embedded) -> float:
    return float((predict(head, slices.embedding).argmax(axis=1) == slices.labels).mean())


def log_odds(head: FusionHead, slices: Embedded) -> np.ndarray:
    logits = predict(head, slices.embedding)
    return logits[:, 1] - logits[:, 0]


def test_what_a_solved_head_says_is_read_back(head: FusionHead) -> None:
    said = solution_of(head)
    assert said is not None
    expected = ((NEW.embedding - said.mean) / np.sqrt(said.variance + head.norm_in.eps)) @ said.weight
    np.testing.assert_allclose(log_odds(head, NEW), expected + said.intercept, atol=1e-3)


@pytest.mark.parametrize("part", ["classify", "dense", "norm"])
def test_head_that_learned_in_steps_is_no_solved_one(head: FusionHead, part: str) -> None:
    with torch.no_grad():
        weight = getattr(head, part).weight if part != "norm" else head.norm_in.weight
        weight[-1] += 0.5
        if part == "dense":
            weight[0] += 0.5
    assert solution_of(head) is None


def test_second_scanner_is_learned_and_the_first_one_kept(head: FusionHead) -> None:
    first, second = drawn(30, 6, FEATURES, 77), drawn(30, 6, FEATURES, 78, SHIFT)
    assert accuracy(head, second) < 0.9
    taught = again(head, Material(NEW, REPLAY, NOTHING, NOTHING))
    assert solution_of(taught) is not None
    assert accuracy(taught, second) > 0.95
    assert accuracy(taught, first) >= accuracy(head, first) - 0.01


def test_solving_twice_gives_the_same_head(head: FusionHead) -> None:
    one, two = (again(head, Material(NEW, REPLAY, NOTHING, NOTHING)) for _ in range(2))
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name])


def test_penalty_without_bounds_gives_the_champion_but_for_its_intercept(head: FusionHead) -> None:
    same = again(head, Material(NEW, REPLAY, NOTHING, NOTHING), stay=1.0, penalty=1e9)
    moved = log_odds(same, joined(NEW, REPLAY)) - log_odds(head, joined(NEW, REPLAY))
    np.testing.assert_allclose(moved, moved.mean(), atol=5e-3)


def test_protected_replay_is_answered_as_before_while_the_new_is_learned(head: FusionHead) -> None:
    few = REPLAY.take(np.arange(0, len(REPLAY.labels), 8))  # fewer than there are features
    taught = again(head, Material(NEW, few, NOTHING, NOTHING), stay=1.0, penalty=6.0, protected=0.9999)
    moved = log_odds(taught, few) - log_odds(head, few)
    np.testing.assert_allclose(moved, moved.mean(), atol=0.05)
    truth = 2.0 * NEW.labels - 1.0
    gained = truth * (log_odds(taught, NEW) - log_odds(head, NEW))
    assert gained.mean() > 20 * np.abs(moved - moved.mean()).max()
    assert accuracy(taught, NEW) > accuracy(head, NEW)


def test_a_way_that_protects_keeps_the_weights_whole() -> None:
    with pytest.raises(ValidationError, match="stay is 1"):
        SolvingWay(penalty=1.0, stay=0.5, protected=0.9)


def test_without_replay_nothing_is_protected(head: FusionHead) -> None:
    one, two = (
        again(head, Material(NEW, NOTHING, NOTHING, NOTHING), stay=1.0, protected=p) for p in (0.0, 0.999)
    )
    np.testing.assert_array_equal(log_odds(one, NEW), log_odds(two, NEW))


def test_distillation_keeps_right_answers_where_nothing_new_contradicts(head: FusionHead) -> None:
    material = Material(REPLAY.take(np.arange(2)), REPLAY, NOTHING, NOTHING)
    free, held = (again(head, material, stay=0.0, distillation=weight) for weight in (0.0, 100.0))
    before = log_odds(head, REPLAY)
    assert np.abs(log_odds(held, REPLAY) - before).mean() < np.abs(log_odds(free, REPLAY) - before).mean()


def test_what_is_held_out_is_scored_and_no_score_is_made_of_nothing(head: FusionHead) -> None:
    said = solution_of(head)
    assert said is not None
    params = permitted_changes().learning
    assert solve(head, said, Material(NEW, REPLAY, NOTHING, NOTHING), params, params.ways[0]).scores == ()
    followed = solve(head, said, Material(NEW, REPLAY, NEW, NOTHING), params, params.ways[0]).scores
    assert len(followed) == 1
    assert np.isfinite(followed[0])


def test_solved_head_is_solved_in_further_ways_until_the_gate_passes_one(
    tmp_path: Path, architecture: Architecture
) -> None:
    made: ModelManifest = manifest.__wrapped__()
    teachable = make_teachable(tmp_path / "model", made, architecture, solved=True)
    freely = quick().learning.ways[0]
    worse = freely.model_copy(update={"penalty": 1e9, "stay": 0.0})  # forgets everything

    def tried(name: str, *ways: SolvingWay) -> tuple[Retrained, int]:
        prepared = prepare(teachable.model, teachable.cases(), permitted := quick(ways=ways), ORDER.seed)
        made = retrain(prepared, "d" * 64, ORDER, permitted, tmp_path / name, lambda *_: None)
        return made, len(list((tmp_path / name).glob("candidate-*")))

    first, candidates = tried("first", freely, worse)
    assert first.gate.passed, [check.sentence for check in first.gate.checks if not check.passed]
    assert candidates == 1
    again, candidates = tried("again", worse, freely)
    assert (again.gate.passed, candidates) == (True, 2)
    assert again.model.sha256 == first.model.sha256
    resumed, _ = tried("again", worse, freely)
    assert (resumed.gate, resumed.metrics) == (again.gate, again.metrics)
    none, candidates = tried("none", worse, worse)
    assert (none.gate.passed, candidates) == (False, 2)
