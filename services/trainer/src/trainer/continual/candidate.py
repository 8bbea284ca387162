"""A candidate: the champion's directory with a head that learned more, complete, verified and judged."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ictus.domain.errors import IctusError
from ictus.model.calibration import Calibration, slice_probabilities
from ictus.model.manifest import (
    GRAPH_FILE,
    REPLAY_FILE,
    TEST_SET_FILE,
    WEIGHTS_FILE,
    Metric,
    ModelDirectory,
    ModelManifest,
    Training,
    load_model_directory,
)
from trainer.build import describe
from trainer.card import RECIPE_FILE
from trainer.continual.gate import Version
from trainer.continual.learning import Learned
from trainer.evaluation import evaluate
from trainer.exemplars import Embedded, write_embedded
from trainer.export import export_like
from trainer.golden import write_golden
from trainer.network import HybridNetwork
from trainer.run_record import HISTORY_FILE
from trainer.training.head import predict
from trainer.weights import load_network, round_weights, save_weights

_CARRIED: Final = ("suitability.safetensors", REPLAY_FILE, TEST_SET_FILE, RECIPE_FILE)
"""What a new head takes over as it is: it belongs to the backbones, or must stay the same for every version. Of new
backbones the embeddings in it are made again."""


Float32 = NDArray[np.float32]
Finish = Callable[[ModelDirectory], object]


class CannotLearnError(IctusError):
    """The champion does not carry what a new head is taught and judged with."""

    code: ClassVar[str] = "model_cannot_learn"
    title: ClassVar[str] = (
        "This model version carries no replay and no test set. Publish one that was trained with them first."
    )


@dataclass(frozen=True)
class CandidateIdentity:
    """What the manifest of a candidate says of its origin.

    Attributes:
        version: to publish it as.
        created_at: when its training began.
        dataset_sha256: digest of the data set version.
        patients: with confirmed cases that it learned from.
        slices: of these cases.
        seed: of the training.
    """

    version: str
    created_at: datetime
    dataset_sha256: str
    patients: int
    slices: int
    seed: int


@dataclass(frozen=True)
class Taught:
    """What was learned.

    Attributes:
        network: with its weights rounded as they are kept.
        replay: that a later version replays, as this network sees it.
        test_set: the frozen one, likewise.
        before: (n, 2) the champion's logits of slices that tie the new logits to its probabilities.
        after: (n, 2) the network's, of the same slices.
        how: in a sentence, for the manifest.
        scores: name to its values after each epoch, kept with the run.
    """

    network: HybridNetwork
    replay: Embedded
    test_set: Embedded
    before: Float32
    after: Float32
    how: str
    scores: Mapping[str, Sequence[float]]


def load_version(model: ModelDirectory) -> Version:
    """The head of a verified directory, with what its logits mean."""
    return Version(load_network(model.path, model.manifest).head, model.manifest)


def require_teachable(model: ModelDirectory) -> None:
    """Raise ``CannotLearnError`` when a directory lacks replay, test set or the name of its embedding space."""
    there = {REPLAY_FILE, TEST_SET_FILE} <= model.manifest.files.keys()
    if not there or model.manifest.embedding_space is None:
        raise CannotLearnError


def taught_head(base: ModelDirectory, learned: Learned, replay: Embedded, test_set: Embedded) -> Taught:
    """A new head behind the champion's backbones; no image is needed."""
    network = load_network(base.path, base.manifest)
    before = predict(network.head, replay.embedding)
    network.head.load_state_dict(learned.head.state_dict())
    round_weights(network)
    return Taught(
        network,
        replay,
        test_set,
        before,
        predict(network.head, replay.embedding),
        f"Latent replay on the head of version {base.manifest.version}.",
        {"held_out_log_loss": learned.scores},
    )


def write_candidate(
    base: ModelDirectory,
    taught: Taught,
    identity: CandidateIdentity,
    output: Path,
    finish: Finish | None = None,
) -> ModelDirectory:
    """Write the directory of what was learned on top of the champion.

    It appears under its name only when it is complete and verified.

    Args:
        base: the champion.
        taught: the network, and what goes with it.
        identity: version and origin.
        output: the directory to write.
        finish: changes the verified directory before it appears.
    """
    if output.exists():
        shutil.rmtree(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    m = base.manifest
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}-") as name:
        part = Path(name) / output.name
        part.mkdir()
        network = taught.network
        save_weights(network, part / WEIGHTS_FILE)
        explained = [c.name for c in m.classes].index(m.explained_class)
        export_like(
            base.path / GRAPH_FILE,
            network,
            explained,
            m.preprocess.size,
            part / WEIGHTS_FILE,
            part / GRAPH_FILE,
        )
        for carried in _CARRIED:
            if (base.path / carried).is_file():
                shutil.copyfile(base.path / carried, part / carried)
        space = network.backbone_sha256()
        if space != m.embedding_space:
            write_embedded(taught.replay, part / REPLAY_FILE)
            write_embedded(taught.test_set, part / TEST_SET_FILE)
        write_golden(part, m.preprocess)
        (part / HISTORY_FILE).write_text(json.dumps({k: list(v) for k, v in taught.scores.items()}) + "\n")
        manifest = m.model_copy(
            update={
                "version": identity.version,
                "created_at": identity.created_at,
                "calibration": tied_calibration(taught.before, taught.after, m.calibration),
                "embedding_space": space,
                "training": _training(m, identity, taught),
                "served_graph": GRAPH_FILE,
                "quantisation": None,
            }
        )
        metrics = _metrics(Version(network.head, manifest), taught.test_set, identity.seed)
        describe(part, manifest.model_copy(update={"metrics": metrics}))
        made = load_model_directory(part)
        if finish is not None:
            finish(made)
        part.rename(output)
    return load_model_directory(output)


def tied_calibration(before: Float32, after: Float32, calibration: Calibration) -> Calibration:
    """Temperature and bias that give the new logits the champion's meaning.

    Both heads have learned from the replay, so it can calibrate neither by its labels; but the champion's
    probabilities were calibrated on patients it had not seen. The new ones are fitted to those (least cross entropy),
    so that the conformal limits and the study's scaling, which stay, go on meaning what they meant.

    Args:
        before: (n, 2) the champion's logits of the replay.
        after: (n, 2) the candidate's.
        calibration: the champion's.
    """
    wanted = slice_probabilities(before, calibration)
    start = np.array([np.log(calibration.temperature), (calibration.bias or (0.0, 0.0))[1]])

    def tied(parameters: NDArray[np.float64]) -> Calibration:
        log_temperature, bias = parameters
        return calibration.model_copy(
            update={"temperature": float(np.exp(log_temperature)), "bias": (0.0, float(bias))}
        )

    def apart(parameters: NDArray[np.float64]) -> float:
        given = np.clip(slice_probabilities(after, tied(parameters)), 1e-12, None)
        return float(-(wanted * np.log(given)).sum(axis=1).mean())

    return tied(minimize(apart, start, method="Nelder-Mead").x)


def _training(base: ModelManifest, identity: CandidateIdentity, taught: Taught) -> Training:
    test_set = taught.test_set
    return Training(
        dataset="confirmed cases",
        dataset_sha256=identity.dataset_sha256,
        patients=identity.patients,
        slices=identity.slices,
        seed=identity.seed,
        pretrained=base.training.pretrained,
        evaluation=f"{taught.how} Measured on the frozen test set: "
        f"{len(np.unique(test_set.patients))} patients, {len(test_set.labels)} slices, that no version learned from; "
        "95 % intervals by 1,000 bootstrap samples of patients",
    )


def _metrics(version: Version, test_set: Embedded, seed: int) -> tuple[Metric, ...]:
    """Figures of the frozen test set, also under the names that a newly trained model gives them."""
    measured = [
        metric
        for level, judged in version.judge(test_set).items()
        for metric in evaluate(level, judged, seed)
    ]
    names = {metric.name for metric in version.manifest.metrics if metric.name.endswith(_ON_TEST_SET)}
    again = [
        metric.model_copy(update={"name": metric.name + _ON_TEST_SET})
        for metric in measured
        if metric.name + _ON_TEST_SET in names
    ]
    return (*measured, *again)


_ON_TEST_SET: Final = "_on_test_set"
