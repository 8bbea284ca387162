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
from trainer.calibrate import HeldOut, fit, judge_across_folds, judge_in_series_across_folds
from trainer.card import write_card
from trainer.data import Dataset, patient_folds
from trainer.data.checks import require_trainable
from trainer.evaluation import evaluate
from trainer.export import export_graph
from trainer.golden import GOLDEN_FILE, write_golden
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.run_record import HISTORY_FILE
from trainer.suitability_fit import fit_suitability
from trainer.training.cross_validation import (
    OutOfFold,
    cross_validate,
    fit_all,
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
_IN_SERIES: Final = {"roc_auc", "pr_auc", "accuracy", "sensitivity", "specificity", "brier", "ece"}
"""What is also said of slices in the light of their series; limits are of slices by themselves."""

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
        network: trained on all patients.
        embedding: (n, features) of all slices by that network.
        held_out: what the folds' networks say of patients they never saw.
        origin: where the ImageNet weights came from.
    """

    network: HybridNetwork
    embedding: NDArray[np.float32]
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
    """Cross-validate a recipe by patient and train on all patients; goes on where an earlier run was cut short.

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
    report(f"Training on all patients, {epochs} epochs")
    network, predicted = fit_all(prepared, epochs)
    return Trained(network, predicted.embedding, held_out, prepared.origin)


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
        metrics = judge_held_out(trained.held_out, dataset, recipe)
        report("Exporting")
        _export(trained.network, recipe, part)
        fitted = fit(HeldOut(trained.held_out.logits, dataset.labels, dataset.patients), recipe)
        limits = fit_suitability(
            trained.embedding, trained.held_out, recipe, part / "suitability.safetensors"
        )
        write_golden(part, recipe.preprocess)
        (part / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n", encoding="utf-8")
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
            preprocess=recipe.preprocess,
            calibration=fitted.calibration,
            aggregation=recipe.aggregation.model_copy(update={"context": fitted.context}),
            decision=fitted.decision,
            suitability=Suitability(embedding=limits),
            validation=HAEMORRHAGE_VALIDATION,
            wording=HAEMORRHAGE_WORDING,
            metrics=metrics,
            training=_training(dataset, recipe, trained.origin),
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
    again = (
        metric.model_copy(update={"name": f"{metric.name}_in_series"})
        for metric in evaluate("slice", in_series, recipe.seed)
        if metric.name in _IN_SERIES
    )
    return (
        *evaluate("slice", slices, recipe.seed),
        *again,
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
    """The monitored score of each fold's kept-aside patients after each epoch."""
    return {
        f"fold-{fold + 1}-{recipe.training.monitor}": [abs(score) for score in scores]
        for fold, scores in enumerate(trained.held_out.scores)
    }


def _training(dataset: Dataset, recipe: Recipe, origin: str) -> Training:
    return Training(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        patients=len(np.unique(dataset.patients)),
        slices=len(dataset.slices),
        seed=recipe.seed,
        pretrained=origin,
        evaluation=f"{recipe.folds}-fold cross-validation by patient, pooled out-of-fold predictions; calibration "
        "and limits fitted on the other folds; 95 % intervals by 1,000 bootstrap samples of patients",
    )
