"""Both scanners' embeddings of the data set by the starter's own frozen part, computed once and kept."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rich.progress import track
from safetensors.numpy import load_file, save_file

from bench.continual.scanner import Scanner
from ictus.imaging.volume import Volume
from ictus.model.manifest import GRAPH_FILE, INPUT_PIXELS, OUTPUT_EMBEDDING, ModelDirectory
from ictus.model.preprocess import PreprocessParams, prepare, to_display
from trainer.data import Dataset, LabelledSlice, read_picture
from trainer.evaluation.subgroups import groups_of
from trainer.training.lock import locked

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

_ROWS_BETWEEN_RECORDS: Final = 100


@dataclass(frozen=True)
class TwoScanners:
    """The same slices from two scanners, as the frozen backbones see them.

    Attributes:
        first: (n, features) from the scanner that the model knows.
        second: (n, features) from the new one.
        labels: (n,) class indices.
        patients: (n,) whose each is, as numbers.
        presentation: (n,) whether a slice shows the presentation that the base model never saw.
    """

    first: Float32
    second: Float32
    labels: Int64
    patients: Int64
    presentation: NDArray[np.bool_]


def chosen_slices(dataset: Dataset, normals: int | None, seed: int) -> Int64:
    """Rows of all slices with a stroke, and of at most ``normals`` of each patient's others; None takes all."""
    if normals is None:
        return np.arange(len(dataset.slices))
    random = np.random.default_rng(seed)
    kept = [np.flatnonzero(dataset.labels)]
    for patient in np.unique(dataset.patients):
        others = np.flatnonzero((dataset.patients == patient) & ~dataset.labels)
        kept.append(random.permutation(others)[:normals])
    return np.sort(np.concatenate(kept))


def embed(
    dataset: Dataset, rows: Int64, presentation: str, starter: ModelDirectory, cache: Path
) -> TwoScanners:
    """Embeddings of the chosen slices from both scanners.

    A run that was cut short goes on where it ended; what is there is not computed again.

    Args:
        dataset: labelled slices.
        rows: which slices.
        presentation: kind of haemorrhage, as the data set's table spells it.
        starter: the released model, whose frozen part makes the embeddings.
        cache: folder in which the embeddings are kept.
    """
    slices = [dataset.slices[row] for row in rows]
    group = next(g for g in groups_of(dataset) if g.name == presentation)
    return TwoScanners(
        first=_kept(slices, None, starter, cache),
        second=_kept(slices, Scanner(), starter, cache),
        labels=dataset.labels[rows].astype(np.int64),
        patients=np.unique(dataset.patients, return_inverse=True)[1][rows].astype(np.int64),
        presentation=group.member[rows],
    )


def _kept(
    slices: list[LabelledSlice], scanner: Scanner | None, starter: ModelDirectory, cache: Path
) -> Float32:
    """The embeddings of slices by one scanner, from the cache as far as it goes."""
    name = hashlib.sha256(f"{scanner} {starter.manifest.embedding_space}".encode()).hexdigest()[:16]
    file = cache / f"{name}.safetensors"
    with locked(cache / f"{name}.lock"):
        known = dict(load_file(file)) if file.is_file() else {}
        missing = [s for s in slices if s.sha256 not in known]
        if missing:
            run = _frozen_part(starter)
            title = "second scanner" if scanner else "first scanner"
            for number, example in enumerate(track(missing, f"embedding, {title}"), 1):
                pixels = _pixels(example, scanner, starter.manifest.preprocess)
                known[example.sha256] = run(pixels).astype(np.float16)
                if number % _ROWS_BETWEEN_RECORDS == 0 or number == len(missing):
                    part = file.with_suffix(".part")
                    save_file(known, part)
                    part.replace(file)
    return np.stack([known[s.sha256] for s in slices]).astype(np.float32)


def _pixels(example: LabelledSlice, scanner: Scanner | None, preprocess: PreprocessParams) -> Float32:
    """(1, 3, size, size): the network's input."""
    volume = read_picture(example.path)
    if scanner is not None:
        window = preprocess.picture_window
        picture = to_display(volume.voxels[0], volume.units, window, window)
        shown = scanner.show(picture, example.sha256)[np.newaxis]
        volume = Volume(shown, volume.modality, volume.source_format, volume.units)
    return prepare(volume, preprocess).pixels


def _frozen_part(starter: ModelDirectory) -> Callable[[Float32], Float32]:
    """(1, 3, size, size) pixels to the (features,) embedding by the starter's backbones."""
    session = onnxruntime.InferenceSession(starter.path / GRAPH_FILE, providers=["CPUExecutionProvider"])

    def run(pixels: Float32) -> Float32:
        (embedding,) = session.run([OUTPUT_EMBEDDING], {INPUT_PIXELS: pixels})
        row: Float32 = embedding[0]
        return row

    return run
