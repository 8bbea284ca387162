import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.metrics import roc_auc_score

from trainer.build import CLASSES
from trainer.data import Dataset, patient_folds
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.training.activations import KeptActivations
from trainer.training.cross_validation import (
    Prepared,
    cross_validate,
    fit_final,
    prepare_training,
)
from trainer.training.engine import fit, predict
from trainer.training.frozen_graph import FrozenGraph
from trainer.training.optimisation import Schedule
from trainer.training.params import FrozenDepth, TrainingParams
from trainer.training.sampling import Batch, Sampler, kept_aside
from trainer.training.stages import SplitNetwork

SEED = 5


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def prepared(phantoms: Dataset, tiny_recipe: Recipe, pretrained_folder: Path, cache: Path) -> Prepared:
    return prepare_training(phantoms, tiny_recipe, len(CLASSES), pretrained_folder, cache)


@pytest.fixture
def learner(prepared: Prepared) -> SplitNetwork:
    return SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)


class KilledError(Exception):
    """Stands for a kill in the middle of an epoch."""


class KilledAt(KeptActivations):
    """Activations that end the process at a batch."""

    batches = 0

    def batch(self, rows: np.ndarray, groups: np.ndarray) -> dict[str, torch.Tensor]:
        KilledAt.batches += 1
        if KilledAt.batches == 14:
            raise KilledError
        return super().batch(rows, groups)


@pytest.mark.parametrize("pooled_stages", [1, 2, 3])
def test_prefix_and_stages_are_the_whole_network(prepared: Prepared, pooled_stages: int) -> None:
    pooling = {"pooled_stages": pooled_stages, "pooling": "mean_max"}
    network = HybridNetwork(prepared.network.architecture.model_copy(update=pooling), len(CLASSES)).eval()
    network.resnet.load_state_dict(prepared.network.resnet.state_dict())
    network.mobilenet.load_state_dict(prepared.network.mobilenet.state_dict())
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        whole = network.embed(pixels)
        for depth in FrozenDepth:
            split = SplitNetwork(network, depth)
            torch.testing.assert_close(
                split.embed({k: v.clone() for k, v in split.prefix()(pixels).items()}),
                whole,
                rtol=1e-3,
                atol=1e-4,
            )


def test_graph_of_the_frozen_part_gives_what_torch_gives(prepared: Prepared) -> None:
    prefix = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER3).prefix()
    pixels = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        expected = prefix(pixels)
    given = FrozenGraph(prefix, 64)(pixels)
    assert given.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(given[name], values.contiguous(), rtol=1e-3, atol=1e-4)


def test_first_view_gives_what_serving_sees(prepared: Prepared, phantoms: Dataset) -> None:
    from ictus.model.preprocess import prepare
    from trainer.data import read_picture

    pixels = prepare(read_picture(phantoms.slices[4].path), prepared.recipe.preprocess).pixels
    with torch.no_grad():
        expected = prepared.network.embed(torch.from_numpy(pixels)).numpy()
    learner = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)
    said = predict(learner, prepared.data.activations, np.array([4]))
    np.testing.assert_allclose(said.embedding, expected, rtol=5e-3, atol=5e-3)


def test_learning_finds_the_drawn_bleeds(prepared: Prepared, phantoms: Dataset) -> None:
    folds = patient_folds(phantoms, 2, SEED)
    held_out = cross_validate(prepared, folds)
    stroke = held_out.logits[:, 1] - held_out.logits[:, 0]
    assert stroke[phantoms.labels].mean() > stroke[~phantoms.labels].mean()
    for fold in range(2):
        np.testing.assert_array_equal(
            held_out.embedding_by(fold)[folds == fold], held_out.embedding[folds == fold]
        )


def test_done_folds_are_taken_from_the_cache(prepared: Prepared, phantoms: Dataset) -> None:
    folds = patient_folds(phantoms, 2, SEED)
    first = cross_validate(prepared, folds)
    times = [file.stat().st_mtime_ns for file in first.files]
    again = cross_validate(prepared, folds)
    np.testing.assert_array_equal(first.logits, again.logits)
    assert [file.stat().st_mtime_ns for file in again.files] == times


def test_slices_of_no_fold_take_no_part(
    phantoms: Dataset, tiny_recipe: Recipe, pretrained_folder: Path, cache: Path
) -> None:
    frozen = tiny_recipe.training.model_copy(update={"frozen_depth": FrozenDepth.ALL})
    recipe = tiny_recipe.model_copy(update={"training": frozen})
    honest = prepare_training(phantoms, recipe, len(CLASSES), pretrained_folder, cache)
    folds = patient_folds(phantoms, 3, SEED) - 1  # the first of three is never seen
    labels = np.where(folds < 0, 1 - honest.data.labels, honest.data.labels)
    wrong = replace(honest, data=replace(honest.data, labels=labels), runs=honest.runs.with_name("wrong"))
    np.testing.assert_array_equal(
        cross_validate(honest, folds).logits[folds >= 0], cross_validate(wrong, folds).logits[folds >= 0]
    )


def test_killed_training_ends_with_the_same_bits(
    prepared: Prepared, learner: SplitNetwork, tmp_path: Path
) -> None:
    rows = np.arange(len(prepared.data.labels))
    learn, stop = kept_aside(rows, prepared.data.labels, prepared.data.patients, SEED)
    params, data = prepared.recipe.training, prepared.data
    whole = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)
    unbroken = fit(whole, data, learn, stop, params, SEED, title="")

    checkpoint = tmp_path / "run.checkpoint"
    killed = replace(
        data, activations=KilledAt(*(getattr(data.activations, f.name) for f in fields(KeptActivations)))
    )
    with pytest.raises(KilledError):
        fit(learner, killed, learn, stop, params, SEED, checkpoint=checkpoint, title="")
    assert checkpoint.is_file()
    resumed = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)
    assert fit(resumed, data, learn, stop, params, SEED, checkpoint=checkpoint, title="") == unbroken
    for (name, expected), value in zip(whole.state().items(), resumed.state().values(), strict=True):
        assert torch.equal(expected, value), name


def test_stages_thaw_one_after_the_other_and_statistics_never(prepared: Prepared) -> None:
    learner = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)
    before = {k: v.clone() for k, v in learner.network.state_dict().items()}
    rows = np.arange(len(prepared.data.labels))
    head_only = prepared.recipe.training.model_copy(update={"head_epochs": 2, "average_decay": 0.0})
    fit(learner, prepared.data, rows, None, head_only, SEED, stop_after=2, title="")
    after = learner.network.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    assert changed
    assert all(key.startswith("head.") for key in changed)

    fit(learner, prepared.data, rows, None, prepared.recipe.training, SEED, stop_after=2, title="")
    after = learner.network.state_dict()
    changed = {key for key, value in before.items() if not torch.equal(value, after[key])}
    assert "resnet.layer4.1.conv2.weight" in changed
    assert "resnet.layer4.1.bn2.weight" in changed
    assert not any(key.startswith("resnet.layer3") for key in changed)
    assert not any("running" in key for key in changed if not key.startswith("head."))


@pytest.mark.parametrize(
    "update",
    [
        {"optimiser": "adam", "weight_decay": 0.0, "loss": "binary_cross_entropy", "label_smoothing": 0.1},
        {"optimiser": "rmsprop", "class_weighting": True, "monitor": "roc_auc"},
        {
            "mixed_precision": "bfloat16",
            "positives_per_epoch": 20,
            "negatives_per_epoch": 15,
            "average_decay": 0.0,
        },
    ],
    ids=["adam-bce-smoothing", "rmsprop-weights-auc", "bfloat16-balanced"],
)
def test_every_way_of_training_learns(prepared: Prepared, update: dict[str, object]) -> None:
    learner = SplitNetwork(deepcopy(prepared.network), FrozenDepth.LAYER4)
    params = TrainingParams.model_validate({**prepared.recipe.training.model_dump(), **update, "epochs": 4})
    rows = np.arange(len(prepared.data.labels))
    fitted = fit(learner, prepared.data, rows, rows, params, SEED, title="")
    said = predict(learner, prepared.data.activations, rows).logits
    assert roc_auc_score(prepared.data.labels, said[:, 1] - said[:, 0]) > 0.8
    assert 1 <= fitted.epochs <= 4


def test_the_final_training_again_is_the_same(prepared: Prepared, tmp_path: Path) -> None:
    rows = np.arange(len(prepared.data.labels))
    runs = [fit_final(replace(prepared, runs=tmp_path / name), rows, 1)[1] for name in ("a", "b")]
    np.testing.assert_array_equal(runs[0].logits, runs[1].logits)


def test_the_final_training_learns_from_the_chosen_slices_alone(prepared: Prepared, tmp_path: Path) -> None:
    chosen = np.flatnonzero(prepared.data.patients != prepared.data.patients[0])
    flipped = prepared.data.labels.copy()
    flipped[prepared.data.patients == prepared.data.patients[0]] ^= 1
    other = replace(prepared, data=replace(prepared.data, labels=flipped))
    runs = [
        fit_final(replace(p, runs=tmp_path / name), chosen, 1)[1]
        for name, p in (("a", prepared), ("b", other))
    ]
    np.testing.assert_array_equal(runs[0].logits, runs[1].logits)


def test_without_patients_kept_aside_every_epoch_is_learned(prepared: Prepared, tmp_path: Path) -> None:
    params = {**prepared.recipe.training.model_dump(), "monitor": "training_loss", "epochs": 3, "patience": 1}
    recipe = prepared.recipe.model_copy(update={"training": TrainingParams.model_validate(params)})
    inputs = replace(prepared.inputs, recipe=recipe)
    folds = np.unique(prepared.data.patients, return_inverse=True)[1] % 2
    held_out = cross_validate(replace(prepared, inputs=inputs, runs=tmp_path), folds, quiet=True)
    assert held_out.epochs == (3, 3)
    assert all(len(losses) == 3 and losses[-1] < losses[0] for losses in held_out.scores)


def test_painted_slices_are_learned_as_strokes_and_never_tested(prepared: Prepared) -> None:
    kept, labels = prepared.data.activations, prepared.data.labels
    negatives = np.flatnonzero(labels == 0)
    places = np.vstack([kept.places, np.full(len(labels), -1)])
    places[-1, negatives] = np.arange(len(negatives))
    painted = KeptActivations(
        (*kept.arrays, {name: values[negatives] for name, values in kept.arrays[0].items()}),
        places,
        np.append(kept.painted, True),
    )
    params = prepared.recipe.training.model_copy(update={"painted_per_epoch": 5, "negatives_per_epoch": 7})
    rows = np.arange(len(labels))
    sampler = Sampler(painted, rows, labels, prepared.data.patients, 2, params, SEED)
    batches = list(sampler.epoch(0))
    assert len(batches) == sampler.steps()
    shown = Batch(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))
    is_painted = shown.groups == len(kept.arrays)
    assert is_painted.sum() == 5
    assert (labels[shown.rows[is_painted]] == 0).all()
    assert (shown.labels[is_painted] == 1).all()
    assert (shown.labels[~is_painted] == labels[shown.rows[~is_painted]]).all()
    assert (shown.labels == 0).sum() == 7
    assert painted.batch(shown.rows, shown.groups)


def test_strokes_are_dealt_evenly_to_patients(prepared: Prepared) -> None:
    labels, patients = prepared.data.labels, prepared.data.patients
    params = prepared.recipe.training.model_copy(update={"positives_per_epoch": 16})
    rows = np.flatnonzero((labels == 0) | (np.arange(len(labels)) % 3 == 0) | (patients == "01"))
    sampler = Sampler(prepared.data.activations, rows, labels, patients, 2, params, SEED)
    shown = np.concatenate([batch.rows[batch.labels == 1] for batch in sampler.epoch(3)])
    counts = np.unique(patients[shown], return_counts=True)[1]
    assert len(counts) == 8
    assert set(counts) == {2}


def test_rates_warm_up_fall_and_decay_with_depth() -> None:
    params = TrainingParams.model_validate(
        {
            "learning_rate": 1.0,
            "backbone_rate": 0.1,
            "depth_decay": 0.5,
            "head_epochs": 1,
            "unfreeze_every": 2,
        }
        | {"epochs": 10, "cosine": True, "warm_up_epochs": 0.5}
    )
    schedule = Schedule(params, stages=2, steps=10)
    assert [schedule.unfrozen(epoch) for epoch in range(5)] == [0, 1, 1, 2, 2]
    head, upper, lower = schedule.rates(4, 5)
    assert (upper / head, lower / upper) == pytest.approx((0.1, 0.5))
    assert schedule.rates(0, 0)[0] < schedule.rates(0, 3)[0] < schedule.rates(0, 5)[0]
    assert schedule.rates(9, 9)[0] < 0.01


@pytest.fixture
def short_recipe(tiny_recipe: Recipe) -> Recipe:
    short = tiny_recipe.training.model_copy(update={"epochs": 2, "head_epochs": 0})
    return tiny_recipe.model_copy(update={"training": short})


TOGETHER = """
import sys
from pathlib import Path

from trainer.data import load_dataset, patient_folds
from trainer.recipe import Recipe
from trainer.training.cross_validation import cross_validate, prepare_training, write_out_of_fold
from trainer.training.distributed import launched_ranks

folder, recipe, pretrained, cache, output = map(Path, sys.argv[1:])
dataset, recipe = load_dataset(folder), Recipe.model_validate_json(recipe.read_bytes())
with launched_ranks() as ranks:
    assert ranks.size == 2
    prepared = prepare_training(dataset, recipe, 2, pretrained, cache, ranks)
    held_out = cross_validate(prepared, patient_folds(dataset, recipe.folds, recipe.seed))
    write_out_of_fold(held_out, dataset, output.with_name(f"{ranks.rank}-{output.name}"))
"""


def test_two_processes_end_where_one_does(
    phantoms: Dataset,
    phantom_folder: Path,
    short_recipe: Recipe,
    pretrained_folder: Path,
    cache: Path,
    tmp_path: Path,
) -> None:
    recipe, script, output = (tmp_path / name for name in ("recipe.json", "together.py", "said.safetensors"))
    recipe.write_text(short_recipe.model_dump_json())
    script.write_text(TOGETHER)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    arguments = [script, phantom_folder, recipe, pretrained_folder, tmp_path / "cache", output]
    done = subprocess.run(
        [*launcher, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    folds = patient_folds(phantoms, short_recipe.folds, short_recipe.seed)
    alone = prepare_training(phantoms, short_recipe, len(CLASSES), pretrained_folder, cache)
    one = cross_validate(alone, folds)
    for rank in range(2):
        two = load_file(output.with_name(f"{rank}-{output.name}"))
        np.testing.assert_allclose(two["logits"], one.logits, atol=5e-3)
        assert np.abs(two["embedding"] - one.embedding).mean() < 1e-3
        stroke = [logits[:, 1] - logits[:, 0] for logits in (two["logits"], one.logits)]
        aucs = [roc_auc_score(phantoms.labels, odds) for odds in stroke]
        assert aucs[0] == pytest.approx(aucs[1], abs=0.01)


def test_folds_side_by_side_are_the_same(
    phantoms: Dataset, short_recipe: Recipe, pretrained_folder: Path, cache: Path, tmp_path: Path
) -> None:
    folds = patient_folds(phantoms, short_recipe.folds, short_recipe.seed)
    one, both = (
        cross_validate(
            prepare_training(phantoms, short_recipe, len(CLASSES), pretrained_folder, folder, jobs=jobs),
            folds,
        )
        for folder, jobs in ((cache, 1), (tmp_path, 2))
    )
    np.testing.assert_allclose(both.logits, one.logits, atol=5e-3)
    assert both.epochs == one.epochs
