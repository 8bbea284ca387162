"""From a labelled data set to a complete model directory: cross-validate, fit, calibrate, export, describe."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Finding, Modality
from ictus.model.manifest import (
    CARD_FILE,
    GRAPH_FILE,
    INT8_GRAPH_FILE,
    MANIFEST_FILE,
    REPLAY_FILE,
    TEST_SET_FILE,
    WEIGHTS_FILE,
    FileDigest,
    Metric,
    ModelClass,
    ModelDirectory,
    ModelManifest,
    Training,
    Validation,
    Wording,
    file_sha256,
    load_model_directory,
)
from ictus.model.suitability import Suitability
from trainer.calibrate import Fitted, HeldOut, fit, judge, judge_across_folds, judge_in_series_across_folds
from trainer.card import RECIPE_FILE, write_card
from trainer.data import Dataset, DatasetError, patient_folds
from trainer.data.checks import require_trainable
from trainer.data.splits import members_of, patient_parts
from trainer.evaluation import evaluate, evaluate_in_series
from trainer.evaluation.metrics import LEVELS
from trainer.evaluation.subgroups import groups_of
from trainer.exemplars import REPLAYED, Embedded, balanced, write_embedded
from trainer.export import export_graph
from trainer.golden import GOLDEN_FILE, write_golden
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.run_record import HISTORY_FILE
from trainer.suitability_fit import fit_suitability
from trainer.training.cross_validation import (
    OutOfFold,
    cross_validate,
    fit_final,
    median_epochs,
    prepare_training,
)
from trainer.training.distributed import Ranks
from trainer.weights import load_network, save_weights

CLASSES: Final = (
    ModelClass(name="normal", finding=Finding.NORMAL),
    ModelClass(name="stroke", finding=Finding.STROKE),
)
_STROKE: Final = 1
_ON_TEST_SET: Final = {"roc_auc", "accuracy", "sensitivity", "specificity", "brier", "ece"}
"""What is said of the frozen test set, which is too small for more."""

HAEMORRHAGE_VALIDATION: Final = Validation(
    modalities=(Modality.CT,),
    body_parts=("HEAD", "BRAIN", "SKULL", "HEADNECK"),
    statement="Validated for intracranial haemorrhage on non-contrast head CT only; "
    "ischaemic stroke and MRI are not covered.",
)
HAEMORRHAGE_WORDING: Final = Wording(
    looked_for="intracranial haemorrhage",
    stroke="Intracranial haemorrhage (haemorrhagic stroke) suspected.",
    normal="No intracranial haemorrhage found; ischaemic stroke is not assessed by this model.",
    stroke_tendency="Not sure; intracranial haemorrhage is the more probable finding. "
    "Ischaemic stroke is not assessed by this model.",
    normal_tendency="Not sure; no intracranial haemorrhage is the more probable finding. "
    "Ischaemic stroke is not assessed by this model.",
    none="No finding: the model may not judge this input.",
)


@dataclass(frozen=True)
class ModelIdentity:
    """What a model version is called and who may use it."""

    name: str
    version: str
    licence: str
    created_at: datetime


@dataclass(frozen=True)
class Trained:
    """What training left behind, before it is calibrated and exported.

    Attributes:
        network: trained on all patients but those of the frozen test set.
        logits: (n, classes) of all slices by that network.
        embedding: (n, features) likewise.
        is_test: (n,) whether a slice is of the frozen test set.
        held_out: what the folds' networks say of patients they never saw.
        origin: where the ImageNet weights came from.
    """

    network: HybridNetwork
    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    is_test: NDArray[np.bool_]
    held_out: OutOfFold
    origin: str


def train_network(
    dataset: Dataset,
    recipe: Recipe,
    pretrained: Path | None,
    cache: Path,
    report: Callable[[str], None],
    ranks: Ranks | None = None,
    jobs: int = 1,
) -> Trained:
    """Cross-validate a recipe by patient, then train the network that is released.

    That one learns from all patients but those of the frozen test set. What an earlier run has done is not done again.

    Args:
        dataset: labelled slices.
        recipe: everything that decides about the result.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder of activations, results and checkpoints, kept between runs.
        report: told of each step.
        ranks: the processes that train one network together; each must call this.
        jobs: how many processes share the views and then the folds, on this machine.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
        CacheError: the disk is too small.
        DataRefusedError: the data must not be trained on as it is.
    """
    folds = patient_folds(dataset, recipe.folds, recipe.seed)
    report("Checking the data")
    require_trainable(dataset, folds, cache=cache / "checks")
    report("Running the frozen part of the network")
    prepared = prepare_training(dataset, recipe, len(CLASSES), pretrained, cache, ranks, jobs)
    report("Cross-validating")
    held_out = cross_validate(prepared, folds)
    epochs = median_epochs(held_out.epochs)
    is_test = frozen_test_set(dataset, recipe)
    report(f"Training the final network, {epochs} epochs")
    network, predicted = fit_final(prepared, np.flatnonzero(~is_test), epochs)
    return Trained(network, predicted.logits, predicted.embedding, is_test, held_out, prepared.origin)


def frozen_test_set(dataset: Dataset, recipe: Recipe) -> NDArray[np.bool_]:
    """(n,) whether a slice is of a patient that the released network and its successors never learn from.

    Raises:
        DatasetError: there are too few patients to keep some apart, or those that were given are not of this data set.
    """
    if recipe.test_patients:
        return members_of(dataset, recipe.test_patients)
    if not recipe.test_share:
        return np.zeros(len(dataset.slices), dtype=np.bool_)
    shares = {"learn": 1 - recipe.test_share, "test": recipe.test_share}
    is_test: NDArray[np.bool_] = patient_parts(dataset, shares, recipe.seed) == "test"
    return is_test


def test_set_of(model: ModelDirectory, dataset: Dataset) -> Dataset:
    """The slices of the patients that a model has never learned from, of the data set that it learned from.

    Raises:
        DatasetError: it learned from other data, says no recipe, or held nobody back.
    """
    name, recipe = model.manifest.name, model.path / RECIPE_FILE
    if dataset.sha256 != model.manifest.training.dataset_sha256 or not recipe.is_file():
        raise DatasetError(f"{name} was not trained on this version of {dataset.name}.")
    rows = frozen_test_set(dataset, Recipe.model_validate_json(recipe.read_bytes()))
    if not rows.any():
        raise DatasetError(f"{name} learned from every patient of {dataset.name}.")
    return dataset.part(rows, "frozen test set")


def write_model(
    trained: Trained,
    dataset: Dataset,
    recipe: Recipe,
    identity: ModelIdentity,
    output: Path,
    report: Callable[[str], None],
) -> ModelDirectory:
    """Calibrate, judge, export and describe a trained haemorrhage model.

    The directory appears under its name only when it is complete and verified; one that is there is replaced.
    Beside the model lie ``recipe.json`` and ``history.json``, which the registry keeps with it.

    Args:
        trained: from ``train_network``.
        dataset: that it was trained on.
        recipe: that it was trained by.
        identity: name, version, licence and time of the model.
        output: the directory to write.
        report: told of each step.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as name:
        part = Path(name) / output.name
        part.mkdir()
        report("Evaluating")
        fitted = fit(HeldOut(trained.held_out.logits, dataset.labels, dataset.patients), recipe)
        metrics = (
            *judge_held_out(trained.held_out, dataset, recipe),
            *_judge_test_set(trained, fitted, dataset, recipe),
        )
        report("Exporting")
        _export(trained.network, recipe, part)
        _write_embedded(trained, dataset, recipe, part)
        limits = fit_suitability(
            trained.embedding, trained.held_out, recipe, part / "suitability.safetensors"
        )
        write_golden(part, recipe.preprocess)
        (part / RECIPE_FILE).write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (part / HISTORY_FILE).write_text(json.dumps(_history(trained, recipe)) + "\n", encoding="utf-8")
        manifest = ModelManifest(
            name=identity.name,
            version=identity.version,
            created_at=identity.created_at,
            licence=identity.licence,
            architecture=recipe.architecture,
            classes=CLASSES,
            explained_class=CLASSES[_STROKE].name,
            embedding_size=sum(trained.network.widths),
            embedding_space=trained.network.backbone_sha256(),
            preprocess=recipe.preprocess,
            calibration=fitted.calibration,
            aggregation=recipe.aggregation.model_copy(update={"context": fitted.context}),
            decision=fitted.decision,
            suitability=Suitability(embedding=limits),
            validation=HAEMORRHAGE_VALIDATION,
            wording=HAEMORRHAGE_WORDING,
            metrics=metrics,
            training=_training(trained, dataset, recipe),
            files={},
        )
        describe(part, manifest)
        load_model_directory(part)
        if output.exists():
            shutil.rmtree(output)
        part.rename(output)
    return load_model_directory(output)


def judge_held_out(held_out: OutOfFold, dataset: Dataset, recipe: Recipe) -> tuple[Metric, ...]:
    """Every figure of a cross-validation, with what the other folds calibrate.

    Of slices by themselves, of slices in the light of their series (``..._in_series``), and of studies.
    """
    said = HeldOut(held_out.logits, dataset.labels, dataset.patients)
    slices, studies = judge_across_folds(said, held_out.folds, recipe)
    in_series = judge_in_series_across_folds(said, held_out.folds, recipe)
    return (
        *evaluate("slice", slices, recipe.seed),
        *evaluate_in_series(in_series, recipe.seed),
        *evaluate("study", studies, recipe.seed),
    )


def export_again(model: ModelDirectory) -> ModelDirectory:
    """Make the graph of a verified directory again from its weights, with golden predictions and digests.

    An 8-bit graph that was made from the old one is removed.

    Raises:
        ExportError: the new graph does not say what the network says; the old one stays.
    """
    path = model.path
    manifest = model.manifest.model_copy(update={"served_graph": GRAPH_FILE, "quantisation": None})
    names = [c.name for c in manifest.classes]
    export_graph(
        load_network(path, manifest),
        names.index(manifest.explained_class),
        manifest.preprocess.size,
        path / WEIGHTS_FILE,
        path / GRAPH_FILE,
    )
    (path / INT8_GRAPH_FILE).unlink(missing_ok=True)
    write_golden(path, manifest.preprocess)
    describe(path, manifest)
    return load_model_directory(path)


def describe(directory: Path, manifest: ModelManifest) -> ModelManifest:
    """Write the card and the manifest with the digests of the files that are there."""
    write_card(directory, manifest)
    names = (
        WEIGHTS_FILE,
        GRAPH_FILE,
        INT8_GRAPH_FILE,
        "suitability.safetensors",
        REPLAY_FILE,
        TEST_SET_FILE,
        GOLDEN_FILE,
        CARD_FILE,
    )
    files = {
        name: FileDigest(sha256=file_sha256(directory / name), size=(directory / name).stat().st_size)
        for name in names
        if (directory / name).is_file()
    }
    complete = manifest.model_copy(update={"files": files})
    (directory / MANIFEST_FILE).write_bytes(complete.to_json())
    return complete


def _judge_test_set(trained: Trained, fitted: Fitted, dataset: Dataset, recipe: Recipe) -> tuple[Metric, ...]:
    """The released network's own figures on the patients it never learned from (``..._on_test_set``)."""
    if not trained.is_test.any():
        return ()
    said = HeldOut(trained.logits, dataset.labels, dataset.patients).take(trained.is_test)
    levels = zip(LEVELS, judge(said, fitted, recipe.aggregation), strict=True)
    return tuple(
        metric.model_copy(update={"name": f"{metric.name}_on_test_set"})
        for level, judged in levels
        for metric in evaluate(level, judged, recipe.seed)
        if metric.name in _ON_TEST_SET
    )


def _write_embedded(trained: Trained, dataset: Dataset, recipe: Recipe, directory: Path) -> None:
    """What later versions replay, and what they are judged on."""
    _, patients = np.unique(dataset.patients, return_inverse=True)
    groups = {f"{group.attribute}:{group.name}": group.member for group in groups_of(dataset)}
    groups[f"modality:{dataset.modality}"] = np.ones(len(patients), dtype=np.bool_)
    slices = Embedded(trained.embedding, dataset.labels.astype(np.int64), patients, groups)
    learned = np.flatnonzero(~trained.is_test)
    chosen = balanced(slices.labels[learned], patients[learned], REPLAYED, recipe.seed)
    write_embedded(slices.take(learned[chosen]), directory / REPLAY_FILE)
    if trained.is_test.any():
        write_embedded(slices.take(np.flatnonzero(trained.is_test)), directory / TEST_SET_FILE)


def _export(network: HybridNetwork, recipe: Recipe, directory: Path) -> None:
    network.eval()
    save_weights(network, directory / WEIGHTS_FILE)
    export_graph(
        network,
        _STROKE,
        recipe.preprocess.size,
        directory / WEIGHTS_FILE,
        directory / GRAPH_FILE,
    )


def _history(trained: Trained, recipe: Recipe) -> dict[str, list[float]]:
    """The monitored score of each fold after each epoch."""
    return {
        f"fold-{fold + 1}-{recipe.training.monitor}": [abs(score) for score in scores]
        for fold, scores in enumerate(trained.held_out.scores)
    }


def _training(trained: Trained, dataset: Dataset, recipe: Recipe) -> Training:
    return Training(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        patients=len(np.unique(dataset.patients)),
        slices=len(dataset.slices),
        test_patients=len(np.unique(dataset.patients[trained.is_test])),
        seed=recipe.seed,
        pretrained=trained.origin,
        evaluation=f"{recipe.folds}-fold cross-validation by patient, pooled out-of-fold predictions; calibration "
        "and limits fitted on the other folds; 95 % intervals by 1,000 bootstrap samples of patients",
    )
