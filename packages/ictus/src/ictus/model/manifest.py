"""The manifest: a model directory's one description of itself, and the gate that checks it.

A model directory holds ``manifest.json``, ``model.onnx`` (the graph; its tensors lie in ``weights.pt`` by
offset), ``weights.pt`` (the only copy of the weights), ``suitability.safetensors``, ``model-card.md`` and,
where it passed its comparison, ``model.int8.onnx`` (the same network in 8-bit integers, with its own tensors).
A model that can be taught further also carries ``replay.safetensors`` and ``test-set.safetensors``: embeddings of
slices that it learned from, and of patients that neither it nor a later version may learn from.
The manifest names each file with its SHA-256, so the digest of the manifest identifies all of it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError, model_validator

from ictus.domain.enums import Finding, Modality
from ictus.domain.errors import IctusError
from ictus.model.aggregation import Aggregation
from ictus.model.base import Params
from ictus.model.calibration import Calibration
from ictus.model.conformal import ConformalQuantiles
from ictus.model.preprocess import PreprocessParams
from ictus.model.suitability import Suitability

MANIFEST_FILE: Final = "manifest.json"
GRAPH_FILE: Final = "model.onnx"
INT8_GRAPH_FILE: Final = "model.int8.onnx"
WEIGHTS_FILE: Final = "weights.pt"
CARD_FILE: Final = "model-card.md"
REPLAY_FILE: Final = "replay.safetensors"
TEST_SET_FILE: Final = "test-set.safetensors"

INPUT_PIXELS: Final = "pixels"
OUTPUT_LOGITS: Final = "logits"
OUTPUT_EMBEDDING: Final = "embedding"
OUTPUT_HEATMAP: Final = "heatmap"
OUTPUT_HEATMAP_RESNET: Final = "heatmap_resnet"
OUTPUT_HEATMAP_MOBILENET: Final = "heatmap_mobilenet"

_MAXIMUM_MANIFEST_BYTES: Final = 1_000_000
_SHA256: Final = r"^[0-9a-f]{64}$"
_PLAIN_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class ModelRefusedError(IctusError):
    """A model directory that must not be used: incomplete, changed, or of another format."""

    code = "model_refused"
    title = "The model files are incomplete or were changed, so they are not used."
    status = 503


class Architecture(Params):
    """What builds the network again (``trainer.network``); serving only reports it."""

    resnet: Literal["resnet18", "resnet34", "resnet50", "resnet101"] = "resnet50"
    resnet_stride_in_1x1: bool = Field(
        default=False, description="v1: the stride sits on a bottleneck's first convolution, not its second."
    )
    mobilenet: Literal["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"] = "mobilenet_v2"
    mobilenet_same_padding: bool = Field(
        default=False, description="TensorFlow's SAME padding on stride-2 convolutions (weights made there)."
    )
    pooled_stages: int = Field(
        default=1,
        ge=1,
        le=3,
        description="How many of each backbone's last stages are pooled: the last maps (1/32 of the pixels), those "
        "before (1/16), those before (1/8).",
    )
    pooling: Literal["mean", "mean_max"] = Field(
        default="mean", description="What is kept of each map: its mean, or its mean and its highest value."
    )
    fusion: Literal["concatenate", "average"] = "concatenate"
    fusion_width: int = Field(default=512, ge=1, description="Width of the projections that are averaged.")
    hidden: int = Field(default=256, ge=1)
    activation: Literal["relu", "gelu", "silu"] = "relu"
    dropout: float = Field(default=0.3, ge=0, lt=1)


class ModelClass(Params):
    """One output of the network, in the order of the logits."""

    name: str
    finding: Finding


class Decision(Params):
    """What is held against the probability: of a series with enough slices, and of single slices."""

    study: ConformalQuantiles
    slice: ConformalQuantiles


class Validation(Params):
    """What the evaluation covers; everything else is ``not_validated`` (design rule 6)."""

    modalities: tuple[Modality, ...]
    body_parts: tuple[str, ...] = Field(description="BodyPartExamined terms, upper case; unstated passes.")
    statement: str


class Wording(Params):
    """What may be said. ``*_tendency`` is for uncertain results."""

    looked_for: str = Field(
        description="What stroke_probability is the probability of, as it reads after 'show'."
    )
    stroke: str
    normal: str
    stroke_tendency: str
    normal_tendency: str
    none: str = Field(description="When there is no finding.")


class Metric(Params):
    """One figure of the evaluation with its patient-bootstrap interval."""

    name: str
    level: Literal["slice", "study"]
    value: float
    low: float | None = None
    high: float | None = None


class Training(Params):
    """Where the model comes from."""

    dataset: str
    dataset_sha256: str = Field(pattern=_SHA256)
    patients: int = Field(ge=1)
    slices: int = Field(ge=1)
    test_patients: int = Field(
        default=0, ge=0, description="Of the patients, how many the released network never learned from."
    )
    seed: int
    pretrained: str
    evaluation: str = Field(description="How the metrics were obtained, e.g. the folds.")


class Compared(Params):
    """One figure of the single-precision and of the 8-bit graph on the same slices."""

    fp32: float
    int8: float


class Quantisation(Params):
    """How near the 8-bit graph came to the single-precision one, on slices that calibrated neither.

    ``heatmap_similarity`` is the mean cosine similarity of the two graphs' heatmaps; ``refused`` the share of
    slices that the embedding check refuses.
    """

    calibration_slices: int = Field(ge=1)
    dataset: str
    dataset_sha256: str = Field(pattern=_SHA256)
    slices: int = Field(ge=1)
    roc_auc: Compared
    sensitivity: Compared
    sensitivity_ruling_out: Compared
    refused: Compared
    heatmap_similarity: float = Field(ge=-1, le=1)


class FileDigest(Params):
    """One file of the directory."""

    sha256: str = Field(pattern=_SHA256)
    size: int = Field(ge=0)


class ModelManifest(Params):
    """Everything that gives the model's numbers their meaning (design rule 5)."""

    format_version: Literal[1] = 1
    name: str = Field(pattern=_PLAIN_NAME, max_length=64)
    version: str = Field(pattern=_PLAIN_NAME, max_length=64)
    created_at: datetime
    licence: str
    architecture: Architecture
    classes: tuple[ModelClass, ...] = Field(min_length=2)
    explained_class: str = Field(description="The class whose logit the heatmaps explain.")
    embedding_size: int = Field(ge=1)
    embedding_space: str | None = Field(
        default=None,
        pattern=_SHA256,
        description="Digest of what makes the embedding: embeddings of one space can be compared and replayed. A head "
        "that is trained anew keeps it.",
    )
    preprocess: PreprocessParams
    calibration: Calibration
    aggregation: Aggregation
    decision: Decision
    suitability: Suitability
    validation: Validation
    wording: Wording
    metrics: tuple[Metric, ...]
    training: Training
    served_graph: Literal["model.onnx", "model.int8.onnx"] = Field(
        default=GRAPH_FILE, description="The file that inference runs; the other one stays for comparison."
    )
    quantisation: Quantisation | None = Field(
        default=None, description="Of the 8-bit graph; None where there is none."
    )
    files: dict[str, FileDigest]

    @model_validator(mode="after")
    def _check(self) -> "ModelManifest":
        names = [c.name for c in self.classes]
        if len(set(names)) != len(names) or self.explained_class not in names:
            raise ValueError("explained_class must be one of the classes, and their names differ")
        if self.served_graph == INT8_GRAPH_FILE and self.quantisation is None:
            raise ValueError("an 8-bit graph is served only with the figures of its comparison")
        return self

    @property
    def stroke_classes(self) -> tuple[int, ...]:
        """Positions of the logits that mean stroke."""
        return tuple(i for i, c in enumerate(self.classes) if c.finding is Finding.STROKE)

    def to_json(self) -> bytes:
        """The bytes of ``manifest.json``; the same manifest always gives the same bytes."""
        return (self.model_dump_json(indent=2) + "\n").encode()


@dataclass(frozen=True)
class ModelDirectory:
    """A verified model directory.

    Attributes:
        path: the directory.
        manifest: its manifest.
        sha256: digest of ``manifest.json``: the identity of the whole model.
    """

    path: Path
    manifest: ModelManifest
    sha256: str

    @property
    def graph(self) -> Path:
        """The ONNX graph that answers."""
        return self.path / self.manifest.served_graph


def load_model_directory(path: Path) -> ModelDirectory:
    """Read and verify a model directory: format, names, sizes and every digest.

    Only ``manifest.json`` is parsed, and nothing is executed.

    Raises:
        ModelRefusedError: a file is missing, changed or not a plain file, or the format is another one.
    """
    manifest, sha256 = read_manifest(path / MANIFEST_FILE)
    missing = {GRAPH_FILE, WEIGHTS_FILE, manifest.served_graph} - manifest.files.keys()
    if missing:
        raise ModelRefusedError(f"The model's manifest does not name {', '.join(sorted(missing))}.")
    for name, digest in manifest.files.items():
        file = path / name
        if Path(name).name != name or file.is_symlink() or not file.is_file():
            raise ModelRefusedError(f"The model file {Path(name).name} is missing.")
        if file.stat().st_size != digest.size or file_sha256(file) != digest.sha256:
            raise ModelRefusedError(f"The model file {name} was changed since it was published.")
    return ModelDirectory(path, manifest, sha256)


def read_manifest(file: Path) -> tuple[ModelManifest, str]:
    """A manifest alone, and its digest, which is the identity of the whole model.

    Raises:
        ModelRefusedError: it is missing, damaged, no plain small file, or of another format.
    """
    try:
        raw = _read_limited(file)
        return ModelManifest.model_validate_json(raw), hashlib.sha256(raw).hexdigest()
    except (OSError, ValidationError) as error:
        raise ModelRefusedError("The model's manifest is missing, damaged or of another format.") from error


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_limited(path: Path) -> bytes:
    if path.is_symlink() or path.stat().st_size > _MAXIMUM_MANIFEST_BYTES:
        raise ModelRefusedError("The model's manifest is not a plain, small file.")
    return path.read_bytes()
