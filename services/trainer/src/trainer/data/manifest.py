"""``dataset.json``: one version of a data set, named by its content and never changed.

The file's bytes are canonical (members sorted, one form of white space), so ``sha256sum dataset.json`` is the
version's identity. The pictures lie below ``files/`` beside it, or that is a link to the folder they came from.
"""

import hashlib
import json
import os
import tempfile
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ictus.domain.enums import Modality
from ictus.model.base import Params
from trainer.errors import TrainerError

DATASET_FILE: Final = "dataset.json"
FILES_FOLDER: Final = "files"
OLDEST_AGE: Final = 90
"""Ages above 89 are one group: HIPAA's safe harbour, 45 CFR 164.514(b)(2)(i)(C)."""


class ManifestError(TrainerError):
    """The manifest of a data set is missing, damaged, or would replace another one."""


class LabelLevel(StrEnum):
    """What a label speaks of."""

    SLICE = "slice"
    PATIENT = "patient"
    """Every slice carries its patient's label: many slices of a stroke patient show nothing."""


class Example(Params):
    """One labelled slice: one file below ``files/``."""

    file: str = Field(description="Relative to files/, with forward slashes.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    patient: str = Field(min_length=1, description="A pseudonym.")
    series: int = Field(default=0, ge=0)
    number: int = Field(description="Of the slice in its series.")
    stroke: bool
    subtypes: tuple[str, ...] = ()
    age: int | None = Field(default=None, ge=0, le=OLDEST_AGE, description="Years; 90 means 90 or older.")
    sex: Literal["F", "M", "O"] | None = None

    @field_validator("file")
    @classmethod
    def _stays_inside(cls, file: str) -> str:
        path = PurePosixPath(file)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError("a file must lie below files/")
        return file


class KnownShortcut(Params):
    """A trait without anatomy that is known to tell the classes apart, and why the data may be used all the same."""

    baseline: str
    auc: float = Field(ge=0, le=1)
    low: float | None = Field(default=None, ge=0, le=1, description="Of the 95 % interval.")
    high: float | None = Field(default=None, ge=0, le=1)
    reason: str = Field(min_length=10)


class DatasetManifest(Params):
    """Everything that makes a version of a data set."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    task: str = Field(pattern=r"^[a-z0-9-]+$", description="What the labels say, e.g. haemorrhage-ct.")
    modality: Modality
    label_level: LabelLevel
    source: str = Field(min_length=1, description="Where it comes from, for people.")
    licence: str = Field(min_length=1)
    citation: str = ""
    patient_namespace: str = Field(min_length=1, description="Who gave the pseudonyms.")
    known_shortcuts: tuple[KnownShortcut, ...] = ()
    examples: tuple[Example, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "DatasetManifest":
        if len({e.file for e in self.examples}) != len(self.examples):
            raise ValueError("a file is listed twice")
        if list(self.examples) != sorted(self.examples, key=example_order):
            raise ValueError("examples must be ordered by patient, series and number")
        if self.label_level is LabelLevel.PATIENT:
            labels = {(e.patient, e.stroke) for e in self.examples}
            if len(labels) != len({patient for patient, _ in labels}):
                raise ValueError("a patient has both labels although labels are of patients")
        return self

    def to_json(self) -> bytes:
        """The canonical bytes of ``dataset.json``."""
        members = self.model_dump(mode="json")
        return (json.dumps(members, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def example_order(example: Example) -> tuple[str, int, int, str]:
    """What examples are sorted by."""
    return example.patient, example.series, example.number, example.file


def read_manifest(folder: Path) -> tuple[DatasetManifest, str]:
    """The manifest in a folder, and its digest.

    Raises:
        ManifestError: it is missing or damaged, or its bytes are not canonical: somebody has edited it.
    """
    try:
        raw = (folder / DATASET_FILE).read_bytes()
        manifest = DatasetManifest.model_validate_json(raw)
    except OSError as error:
        raise ManifestError(f"{folder / DATASET_FILE} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ManifestError(f"{folder / DATASET_FILE} is damaged: {place} {first['msg']}.") from None
    if manifest.to_json() != raw:
        raise ManifestError(f"{folder / DATASET_FILE} was edited. Import a new version instead.")
    return manifest, hashlib.sha256(raw).hexdigest()


def write_manifest(manifest: DatasetManifest, folder: Path) -> str:
    """Write ``dataset.json`` read-only and give its digest; the same manifest again is success.

    Raises:
        ManifestError: another manifest is there.
    """
    raw = manifest.to_json()
    target = folder / DATASET_FILE
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{DATASET_FILE}-") as part:
        part.write(raw)
        part.flush()
        Path(part.name).chmod(0o444)
        try:
            os.link(part.name, target)  # unlike a rename it never replaces
        except FileExistsError:
            if target.read_bytes() != raw:
                raise ManifestError(
                    f"{target} is there with other content, and a version is never changed. "
                    "Give a new --version and another folder."
                ) from None
    return hashlib.sha256(raw).hexdigest()
