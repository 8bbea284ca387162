"""The platform's own cases on disk: what readers confirmed, as a folder that can be imported.

``cases.jsonl`` holds one ``TrainingCase`` for each line; ``volume`` is the canonical volume that intake made
(``ictus.imaging.volume``), relative to the folder. Nothing in either says who the patient is: ``patient`` is the
pseudonym that the platform trains under, the same for every case of one person.
"""

from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from pydantic import Field, ValidationError

from ictus.contracts.base import Contract
from ictus.domain.enums import Finding, Modality
from ictus.domain.errors import MalformedFileError
from ictus.imaging.volume import Volume
from ictus.model.manifest import file_sha256
from trainer.data.dataset import DatasetError
from trainer.data.manifest import OLDEST_AGE

CASES_FILE: Final = "cases.jsonl"


class TrainingCase(Contract):
    """One confirmed series."""

    schema_version: Literal[1] = 1
    case_id: UUID
    patient: str = Field(min_length=1, description="A pseudonym.")
    modality: Modality
    finding: Finding
    stroke_slices: tuple[int, ...] | None = Field(
        default=None,
        description="Positions in the volume that show the stroke; null when the reader judged the study as a whole.",
    )
    subtypes: tuple[str, ...] = ()
    age: int | None = Field(default=None, ge=0, le=OLDEST_AGE)
    sex: Literal["F", "M", "O"] | None = None
    volume: str
    volume_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def read_cases(folder: Path) -> list[TrainingCase]:
    """The cases in a folder.

    Raises:
        DatasetError: there is no ``cases.jsonl``, or a line of it is no case.
    """
    cases = []
    try:
        lines = (folder / CASES_FILE).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DatasetError(f"{folder / CASES_FILE} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        try:
            cases.append(TrainingCase.model_validate_json(line))
        except ValidationError as error:
            places = {".".join(map(str, item["loc"])) for item in error.errors()}
            raise DatasetError(
                f"Line {number} of {CASES_FILE} is no case: {', '.join(sorted(places))}."
            ) from None
    if not cases:
        raise DatasetError(f"{folder / CASES_FILE} holds no case.")
    return cases


def shows_stroke(case: TrainingCase, position: int) -> bool:
    """Whether the reader saw a stroke on a slice; on every slice when the study was judged as a whole."""
    return case.finding is Finding.STROKE and (case.stroke_slices is None or position in case.stroke_slices)


def case_volume(folder: Path, case: TrainingCase) -> Volume:
    """The verified volume of a case.

    Raises:
        DatasetError: it is missing or changed, lies outside the folder, or has not the slices that the case names.
    """
    path = folder / case.volume
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"The volume of case {case.case_id} is missing.")
    if file_sha256(path) != case.volume_sha256:
        raise DatasetError(f"The volume of case {case.case_id} was changed since it was exported.")
    try:
        volume = Volume.from_bytes(path.read_bytes())
    except MalformedFileError as error:
        raise DatasetError(f"The volume of case {case.case_id} cannot be read: {error.detail}") from error
    if not set(case.stroke_slices or ()) <= set(range(len(volume.voxels))):
        raise DatasetError(f"Case {case.case_id} names slices that its volume does not have.")
    return volume
