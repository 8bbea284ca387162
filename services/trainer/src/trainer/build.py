"""From a labelled data set to a complete model directory: cross-validate, fit, calibrate, export, describe."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from ictus.domain.enums import Finding, Modality
from ictus.model.manifest import (
    CARD_FILE,
    GRAPH_FILE,
    MANIFEST_FILE,
    WEIGHTS_FILE,
    FileDigest,
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
from trainer.calibrate import HeldOut, fit, judge_across_folds
from trainer.card import render_card
from trainer.data import Dataset, patient_folds
from trainer.evaluation import evaluate
from trainer.export import export_graph
from trainer.features import embed_pictures
from trainer.golden import GOLDEN_FILE, write_golden
from trainer.network import HybridNetwork
from trainer.recipe import Recipe
from trainer.suitability_fit import fit_suitability
from trainer.train import FeatureSet, cross_validate, fit_head, new_head
from trainer.weights import load_network, save_weights

CLASSES: Final = (
    ModelClass(name="normal", finding=Finding.NORMAL),
    ModelClass(name="stroke", finding=Finding.STROKE),
)
_STROKE: Final = 1

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


def build_model(
    dataset: Dataset,
    recipe: Recipe,
    identity: ModelIdentity,
    pretrained: Path | None,
    cache: Path,
    output: Path,
    report: Callable[[str], None],
) -> ModelDirectory:
    """Train a haemorrhage model on a data set and write its directory.

    The directory appears under its name only when it is complete and verified; one that is there is replaced.

    Args:
        dataset: labelled slices.
        recipe: everything that decides about the result.
        identity: name, version, licence and time of the model.
        pretrained: folder of ImageNet weights, None for torch.hub.
        cache: folder for embeddings, kept between runs.
        output: the directory to write.
        report: told of each step.

    Raises:
        PretrainedWeightsError: the ImageNet weights do not fit.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as name:
        part = Path(name) / output.name
        part.mkdir()
        network = HybridNetwork(recipe.architecture, len(CLASSES))
        origin = network.load_pretrained(pretrained)
        report("Exporting the frozen backbones")
        _export(network, recipe, part)
        paths = [s.path for s in dataset.slices]
        embedding = embed_pictures(
            paths, recipe.preprocess, part / GRAPH_FILE, network.backbone_sha256(), cache
        )

        data = FeatureSet(embedding, dataset.labels.astype(np.int64), dataset.patients)
        folds = patient_folds(dataset, recipe.folds, recipe.seed)
        logits, epochs = cross_validate(data, folds, recipe, network.widths, len(CLASSES))
        held_out = HeldOut(logits, dataset.labels, dataset.patients)
        slices, studies = judge_across_folds(held_out, folds, recipe)
        report("Evaluating")
        metrics = evaluate("slice", slices, recipe.seed) + evaluate("study", studies, recipe.seed)

        report(f"Fitting the head on all patients, {epochs} epochs")
        settings = recipe.head.model_copy(update={"epochs": epochs})
        head = new_head(recipe, network.widths, len(CLASSES), recipe.seed)
        network.head = fit_head(head, data, None, settings, recipe.seed).head
        _export(network, recipe, part)

        fitted = fit(held_out, recipe)
        limits = fit_suitability(embedding[:, 0], folds, recipe, part / "suitability.safetensors")
        write_golden(part, recipe.preprocess)
        manifest = ModelManifest(
            name=identity.name,
            version=identity.version,
            created_at=identity.created_at,
            licence=identity.licence,
            architecture=recipe.architecture,
            classes=CLASSES,
            explained_class=CLASSES[_STROKE].name,
            embedding_size=sum(network.widths),
            preprocess=recipe.preprocess,
            calibration=fitted.calibration,
            aggregation=recipe.aggregation,
            decision=fitted.decision,
            suitability=Suitability(embedding=limits),
            validation=HAEMORRHAGE_VALIDATION,
            wording=HAEMORRHAGE_WORDING,
            metrics=metrics,
            training=_training(dataset, recipe, origin),
            files={},
        )
        describe(part, manifest)
        load_model_directory(part)
        if output.exists():
            shutil.rmtree(output)
        part.rename(output)
    return load_model_directory(output)


def export_again(model: ModelDirectory) -> ModelDirectory:
    """Make the graph of a verified directory again from its weights, with golden predictions and digests."""
    manifest, path = model.manifest, model.path
    names = [c.name for c in manifest.classes]
    export_graph(
        load_network(path, manifest),
        names.index(manifest.explained_class),
        manifest.preprocess.size,
        path / WEIGHTS_FILE,
        path / GRAPH_FILE,
    )
    write_golden(path, manifest.preprocess)
    describe(path, manifest)
    return load_model_directory(path)


def describe(directory: Path, manifest: ModelManifest) -> ModelManifest:
    """Write the card and the manifest with the digests of the files that are there."""
    (directory / CARD_FILE).write_text(render_card(manifest), encoding="utf-8")
    names = (WEIGHTS_FILE, GRAPH_FILE, "suitability.safetensors", GOLDEN_FILE, CARD_FILE)
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
