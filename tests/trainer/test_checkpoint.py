from pathlib import Path

import pytest
import torch

from trainer.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint


def checkpoint(epoch: int) -> Checkpoint:
    weights = {"weight": torch.arange(6.0).reshape(2, 3)}
    return Checkpoint(
        epoch=epoch,
        best_epoch=1,
        best_score=0.5,
        weights=weights,
        best_weights=weights,
        average={"weight": torch.ones(2), "steps taken": 3},
        optimiser={"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        scaler={},
        random=torch.get_rng_state(),
        scores=[0.7, 0.5],
    )


def test_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "fold-0.checkpoint"
    assert load_checkpoint(path) is None
    save_checkpoint(checkpoint(1), path)
    save_checkpoint(checkpoint(2), path)
    kept = load_checkpoint(path)
    assert kept is not None
    assert (kept.epoch, kept.best_score, kept.scores) == (2, 0.5, [0.7, 0.5])
    assert torch.equal(kept.weights["weight"], checkpoint(2).weights["weight"])
    assert torch.equal(kept.random, torch.get_rng_state())


def test_half_written_checkpoint_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fold-0.checkpoint"
    save_checkpoint(checkpoint(1), path)

    def fails(*_: object) -> None:
        path.with_suffix(".part").write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(checkpoint(2), path)
    kept = load_checkpoint(path)
    assert kept is not None
    assert kept.epoch == 1
