"""A small model that can be taught further, and drawn embeddings of cases for it.

Embeddings are drawn, not computed: two findings apart along one direction, patients scattered around them. Cases of a
second scanner are shifted, so that the model errs on them in one direction until it has learned.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save

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
from ictus.model.preprocess import PreprocessParams
from trainer.build import describe
from trainer.continual.cases import ConfirmedSlices
from trainer.continual.learning import Material, learn, none_of
from trainer.exemplars import Embedded, write_embedded
from trainer.export import export_graph
from trainer.network import FusionHead, HybridNetwork
from trainer.training.activations import KeptActivations
from trainer.training.logistic import solve_head
from trainer.training.params import TrainingParams
from trainer.training.stages import EMBEDDING
from trainer.weights import save_weights

SIZE = 64
SHIFT = 3.0
"""How far the second scanner moves an embedding, against half the findings' distance of 2."""


def drawn(
    patients: int, slices: int, features: int, seed: int, shift: float = 0.0, first: int = 0
) -> Embedded:
    """Embeddings of patients; every second one has a stroke, on half of the slices."""
    world = np.random.default_rng(99)
    direction, elsewhere = world.normal(size=(2, features)) / np.sqrt(features)
    random = np.random.default_rng(seed)
    number = np.repeat(np.arange(patients), slices)
    labels = ((number % 2 == 1) & (np.tile(np.arange(slices), patients) % 2 == 0)).astype(np.int64)
    scatter = 0.15 * random.normal(size=(patients, features))[number]
    noise = 0.35 * random.normal(size=(len(number), features))
    embedding = np.outer(2.0 * labels - 1.0, direction) * 4 + scatter + noise
    embedding += shift * direction + shift * 3 * elsewhere
    return Embedded(embedding.astype(np.float32), labels, number + first)


def confirmed(
    slices: Embedded, readers: int = 4, *, new: bool = True, corrected: bool = True, first_case: int = 0
) -> ConfirmedSlices:
    """Each patient's slices of one finding as a case."""
    case = slices.patients * 2 + slices.labels + first_case
    everything = np.ones(len(case), dtype=np.bool_)
    return ConfirmedSlices(
        embedding=slices.embedding,
        labels=slices.labels,
        cases=case,
        patients=slices.patients,
        readers=slices.patients // 2 % readers,  # each sees both findings
        corrected=everything & corrected,
        new=everything & new,
    )


def exported(slices: ConfirmedSlices) -> bytes:
    """The same as the feedback service exports it."""
    return save(
        {
            "embedding": slices.embedding.astype(np.float16),
            "labels": slices.labels.astype(np.uint8),
            "cases": slices.cases.astype(np.int32),
            "patients": slices.patients.astype(np.int32),
            "readers": slices.readers.astype(np.int32),
            "corrected": slices.corrected.astype(np.uint8),
            "new": slices.new.astype(np.uint8),
        }
    )


def quick(**learning: object) -> PermittedChanges:
    """The permitted changes that Ictus comes with, learning for fewer epochs.

    Nothing is protected: the replay varies along all of the small model's few features.
    """
    shipped = permitted_changes()
    ways = tuple(way for way in shipped.learning.ways if not way.protected)
    update = {"epochs": 12, "minimum_steps": 6, "learning_rate": 3e-3, "ways": ways, **learning}
    return shipped.model_copy(update={"learning": shipped.learning.model_copy(update=update)})


@dataclass(frozen=True)
class Teachable:
    """A model directory and the drawn world around it."""

    model: ModelDirectory
    features: int

    def cases(self, seed: int = 5, patients: int = 24) -> ConfirmedSlices:
        """New cases of the second scanner."""
        return confirmed(drawn(patients, 4, self.features, seed, SHIFT))


def make_teachable(
    folder: Path, manifest: ModelManifest, architecture: Architecture, *, solved: bool = False
) -> Teachable:
    """Teach a small random network's head the first scanner, in epochs or by solving it, and write it as a model directory."""
    torch.manual_seed(0)
    network = HybridNetwork(architecture, 2).eval()
    features = sum(network.widths)
    replay, test_set = drawn(40, 6, features, 1), drawn(24, 10, features, 2, first=1000)
    groups = {"modality:CT": np.ones(len(test_set.labels), dtype=np.bool_)}
    nothing = none_of(replay)
    if solved:
        network.head = solved_head(network.head, replay)
    else:
        params = quick(distillation=0.0, epochs=25).learning
        network.head = learn(network.head, Material(replay, nothing, nothing, nothing), params, 0).head
    folder.mkdir(parents=True)
    save_weights(network, folder / WEIGHTS_FILE)
    export_graph(network, 1, SIZE, folder / WEIGHTS_FILE, folder / "model.onnx")
    write_embedded(replay, folder / REPLAY_FILE)
    write_embedded(test_set._replace(groups=groups), folder / TEST_SET_FILE)
    changes = {
        "architecture": architecture,
        "preprocess": PreprocessParams(size=SIZE),
        "embedding_size": features,
        "embedding_space": network.backbone_sha256(),
        "calibration": Calibration(temperature=1.0, bias=(0.0, 0.0)),
    }
    describe(folder, manifest.model_copy(update=changes))
    return Teachable(load_model_directory(folder), features)


def solved_head(head: FusionHead, slices: Embedded) -> FusionHead:
    """Solve a head as a release does."""
    kept = KeptActivations(
        ({EMBEDDING: slices.embedding},),
        np.arange(len(slices.labels))[np.newaxis],
        np.zeros(1, dtype=np.bool_),
    )
    everybody = np.arange(len(slices.labels))
    params = TrainingParams(solver="logistic", penalties=(0.01,))
    solve_head(head, kept, slices.labels, slices.patients.astype(np.str_), everybody, params, 0)
    return head.eval()


def flipped(slices: ConfirmedSlices, share: float, seed: int) -> ConfirmedSlices:
    """The same cases with the findings of a share of them reversed."""
    cases = np.unique(slices.cases)
    chosen = np.random.default_rng(seed).permutation(cases)[: round(share * len(cases))]
    return ConfirmedSlices(
        slices.embedding,
        np.where(np.isin(slices.cases, chosen), 1 - slices.labels, slices.labels),
        slices.cases,
        slices.patients,
        slices.readers,
        slices.corrected,
        slices.new,
    )
