"""A small released model with the images that it learned from, and drawn cases of another scanner, as objects.

The backbones are random and frozen; the head is the logistic regression on their embeddings, as a released one's is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from tests.trainer.drawn_patients import draw_patient, write_dataset

from ictus.contracts.cases import CaseScan
from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.phantom import Bleed
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.calibration import Calibration
from ictus.model.manifest import (
    REPLAY_FILE,
    TEST_SET_FILE,
    WEIGHTS_FILE,
    Architecture,
    ModelDirectory,
    ModelManifest,
    load_model_directory,
)
from ictus.model.permitted_changes import PermittedChanges, permitted_changes
from ictus.model.preprocess import PreprocessParams, prepare
from ictus.model.suitability import EmbeddingLimits, Suitability
from trainer.build import describe
from trainer.continual.cases import ConfirmedSlices
from trainer.data import Dataset, load_dataset, read_picture
from trainer.exemplars import Embedded, write_embedded
from trainer.export import export_graph
from trainer.network import HybridNetwork
from trainer.suitability_fit import fit_subspace, write_statistics
from trainer.training.activations import KeptActivations
from trainer.training.logistic import solve_head
from trainer.training.params import TrainingParams
from trainer.training.stages import EMBEDDING
from trainer.weights import round_weights, save_weights

SIZE = 64
SLICES = 3
_TESTED = 12
_PATIENTS = 32


@dataclass(frozen=True)
class Imaged:
    """The model, and where the images lie.

    Attributes:
        model: its verified directory.
        dataset: folder of what it learned from.
        cases: confirmed slices, as the model's backbones see them.
        scans: their references.
        objects: what lies under the references.
    """

    model: ModelDirectory
    dataset: Path
    cases: ConfirmedSlices
    scans: tuple[CaseScan, ...]
    objects: dict[str, bytes]


def make_imaged(folder: Path, manifest: ModelManifest, architecture: Architecture) -> Imaged:
    """Draw patients, release a model of them, and draw cases of other patients."""
    torch.manual_seed(0)
    network = HybridNetwork(architecture, 2).eval()
    data = write_dataset(folder / "data", patients=_PATIENTS, slices=SLICES)
    dataset = load_dataset(data)
    everything = _embedded(network, dataset)
    is_test = everything.patients >= _PATIENTS - _TESTED
    learned, tested = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    kept = KeptActivations(
        ({EMBEDDING: everything.embedding},), np.arange(len(is_test))[np.newaxis], np.zeros(1, dtype=np.bool_)
    )
    params = TrainingParams(solver="logistic", penalties=(0.01,))
    solve_head(network.head, kept, everything.labels, dataset.patients, learned, params, 0)
    network.head.eval()
    model = folder / "model"
    model.mkdir()
    save_weights(network, model / WEIGHTS_FILE)
    export_graph(network, 1, SIZE, model / WEIGHTS_FILE, model / "model.onnx")
    again = _embedded(network, dataset)
    write_embedded(again.take(learned), model / REPLAY_FILE)
    groups = {"modality:CT": np.ones(len(tested), dtype=np.bool_)}
    write_embedded(again.take(tested)._replace(groups=groups), model / TEST_SET_FILE)
    limits = EmbeddingLimits(neighbour=2, maximum_distance=2.0)
    subspace = fit_subspace(again.embedding[learned], 4, 0)
    write_statistics(subspace.statistics("nearest", 0), model / limits.statistics_file)
    changes = {
        "architecture": architecture,
        "preprocess": PreprocessParams(size=SIZE),
        "embedding_size": sum(network.widths),
        "embedding_space": network.backbone_sha256(),
        "calibration": Calibration(temperature=1.0, bias=(0.0, 0.0)),
        "suitability": Suitability(embedding=limits),
    }
    describe(model, manifest.model_copy(update=changes))
    return Imaged(load_model_directory(model), data, *_cases(network))


def short(**changes: object) -> PermittedChanges:
    """The permitted changes that Ictus comes with, fine-tuning for two epochs of a few slices."""
    shipped = permitted_changes()
    update = {
        "epochs": 2,
        "views": 1,
        "batch_size": 8,
        "learning_rate": 1e-3,
        "suitability_slices": 96,
        **changes,
    }
    data = shipped.data.model_copy(update={"minimum_cases": 6})
    fine_tuning = shipped.fine_tuning.model_copy(update=update)
    return shipped.model_copy(update={"fine_tuning": fine_tuning, "data": data})


def _cases(network: HybridNetwork) -> tuple[ConfirmedSlices, tuple[CaseScan, ...], dict[str, bytes]]:
    """Two slices of each of twelve patients whom another device shows brighter."""
    scans, objects, embedding, labels = [], {}, [], []
    for case in range(12):
        bleeds = case % 2 == 1
        pictures = draw_patient(500 + case, SLICES, Bleed() if bleeds else None)
        shown = np.stack([cv2.convertScaleAbs(one, alpha=0.9, beta=20) for one in pictures])
        volume = Volume(shown, Modality.CT, SourceFormat.PNG, VoxelUnits.DISPLAY)
        slices = (0,) if bleeds else (1, 2)
        key = f"studies/{case}/series/0/volume.safetensors"
        objects[key] = volume.to_bytes()
        scans.append(CaseScan(case=case, volume_key=key, slices=slices))
        pixels = torch.from_numpy(prepare(volume, PreprocessParams(size=SIZE)).pixels)
        with torch.no_grad():
            embedding.append(network.embed(pixels).numpy()[list(slices)])
        labels += [int(bleeds)] * len(slices)
    number = np.array([scan.case for scan in scans for _ in scan.slices])
    everything = np.ones(len(number), dtype=np.bool_)
    cases = ConfirmedSlices(
        np.concatenate(embedding), np.array(labels), number, number, number % 4, everything, everything
    )
    return cases, tuple(scans), objects


def _embedded(network: HybridNetwork, dataset: Dataset) -> Embedded:
    round_weights(network)
    with torch.no_grad():
        rows = [network.embed(torch.from_numpy(pixels)).numpy() for pixels in _pixels(dataset)]
    patients = np.unique(dataset.patients, return_inverse=True)[1]
    return Embedded(np.concatenate(rows), dataset.labels.astype(np.int64), patients.astype(np.int64))


def _pixels(dataset: Dataset) -> Iterator[np.ndarray]:
    for example in dataset.slices:
        yield prepare(read_picture(example.path), PreprocessParams(size=SIZE)).pixels
