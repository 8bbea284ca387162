"""Import: from what a hospital or a publication gives to an immutable version of a data set.

Two sources: a folder with a CSV, whose lines name pictures, DICOM files, folders of a DICOM series or NIfTI volumes (told
by their content); and the platform's own cases. Pictures stay what they are. Everything else goes through the sandboxed
intake and is kept as canonical volumes of one slice each, without its header.
"""

import contextlib
import hashlib
import hmac
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

from pydantic import ValidationError

from ictus.domain.enums import Modality
from ictus.domain.errors import IntakeError
from ictus.imaging.intake import IntakeOutcome, IntakeRequest, PatientIdentity, run_intake
from ictus.imaging.sniff import FileKind, sniff
from ictus.imaging.volume import Volume
from trainer.data.anonymity import suspicious, suspicious_pseudonym
from trainer.data.cases import CASES_FILE, case_volume, read_cases, shows_stroke
from trainer.data.dataset import Dataset, DatasetError, LabelledSlice
from trainer.data.groups import Grouping, group_patients
from trainer.data.load import file_digests
from trainer.data.manifest import (
    DATASET_FILE,
    FILES_FOLDER,
    DatasetManifest,
    Example,
    KnownShortcut,
    LabelLevel,
    example_order,
    write_manifest,
)
from trainer.data.pictures import VOLUME_SUFFIX
from trainer.data.table import Columns, Row, Sex, read_rows, years

_PICTURES: Final = (FileKind.PNG, FileKind.JPEG)
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_SHORTEST_KEY: Final = 16


@dataclass(frozen=True)
class Description:
    """What a person says about the data set; the rest is read."""

    name: str
    version: str
    task: str
    modality: Modality
    label_level: LabelLevel
    source: str
    licence: str
    citation: str = ""


@dataclass(frozen=True)
class Pseudonyms:
    """How patients are named.

    Attributes:
        key: of the HMAC that names them: the same key and patient always give the same pseudonym, and without the
            key nobody can tell who it is. None keeps the table's own pseudonyms.
    """

    key: bytes | None

    def __post_init__(self) -> None:
        if self.key is not None and len(self.key) < _SHORTEST_KEY:
            raise DatasetError(f"The key of the pseudonyms needs at least {_SHORTEST_KEY} bytes.")

    def of(self, patient: str) -> str:
        """The pseudonym: letters only, so that it is never mistaken for a number that means somebody."""
        return patient if self.key is None else "p" + self._code(f"patient {patient}", 16)

    def namespace(self, name: str) -> str:
        """Who gave the pseudonyms: the key's fingerprint, or the data set itself."""
        return name if self.key is None else "key-" + self._code("namespace", 12)

    def _code(self, text: str, length: int) -> str:
        digest = hmac.new(self.key or b"", text.encode(), hashlib.sha256).hexdigest()
        return digest[:length].translate(_LETTERS)


@dataclass
class Gathered:
    """What an import found.

    Attributes:
        files: the folder that will become ``files/``.
        left_out: how many files or studies were left out, by reason.
        identified: studies whose header named the patient; nothing of it was kept.
    """

    files: Path
    examples: list[Example] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    identified: int = 0


def gather_folder(
    source: Path,
    table: Path,
    columns: Columns,
    description: Description,
    pseudonyms: Pseudonyms,
    staging: Path,
    *,
    copy: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Gathered:
    """Take what a CSV labels in a folder.

    Args:
        source: the folder; never written to.
        table: the CSV; its files are relative to ``source``.
        columns: what its columns mean. A number counts a picture's slice as it likes; of a series or volume it is
            the position in the canonical order, 0 the most inferior, as ``ictus analyze --json`` counts. A line
            without a number labels every slice of its file or folder.
        description: what is said of the data set.
        pseudonyms: how patients are named.
        staging: an empty folder for what is made.
        copy: copy pictures instead of linking to ``source``; done anyway beside volumes.
        report: told of each series.

    Raises:
        DatasetError: the table cannot be read, names what is not there, or may identify patients.
    """
    rows = read_rows(table, columns)
    for row in rows:
        path = source / row.file
        if not row.file or not path.exists() or not path.resolve().is_relative_to(source.resolve()):
            raise DatasetError(f"Line {row.line} of the table names a file that is not in the folder.")
    pictures = [row for row in rows if _is_picture(source / row.file)]
    _refuse_identities(rows, pictures, pseudonyms)
    scans: dict[str, list[Row]] = {}
    for row in rows:
        if not _is_picture(source / row.file):
            scans.setdefault(row.file, []).append(row)
    gathered = Gathered(staging / FILES_FOLDER)
    _take_pictures(source, pictures, pseudonyms, gathered)
    if scans or copy:
        for row in pictures:
            target = gathered.files / row.file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / row.file, target)
    else:
        gathered.files.symlink_to(source.resolve(), target_is_directory=True)
    series: Counter[str] = Counter()
    for done, (name, labelled) in enumerate(scans.items(), 1):
        report(f"series {done} of {len(scans)}")
        try:
            _take_scan(source / name, labelled, description, pseudonyms, series, gathered)
        except IntakeError as error:
            gathered.left_out[f"refused by intake: {error.code}"] += 1
    return gathered


def gather_cases(source: Path, description: Description, staging: Path) -> Gathered:
    """Take the platform's own cases (``trainer.data.cases``); their pseudonyms are kept.

    Raises:
        DatasetError: a case or its volume cannot be read, or its pseudonym may identify the patient.
    """
    gathered = Gathered(staging / FILES_FOLDER)
    series: Counter[str] = Counter()
    for line, case in enumerate(read_cases(source), 1):
        if suspicious_pseudonym(case.patient):
            raise DatasetError(f"Line {line} of {CASES_FILE} has a pseudonym that may identify its patient.")
        if case.modality is not description.modality:
            gathered.left_out["another modality"] += 1
            continue
        volume = case_volume(source, case)
        for position in range(len(volume.voxels)):
            stroke = shows_stroke(case, position)
            facts = _Facts(case.patient, series[case.patient], case.age, case.sex)
            gathered.examples.append(
                _write_slice(volume, position, facts, stroke, case.subtypes if stroke else (), gathered.files)
            )
        series[case.patient] += 1
    return gathered


def join_patients(gathered: Gathered, description: Description) -> Grouping:
    """Put together whom the pictures show to be one patient (``trainer.data.groups``), before there is a manifest.

    Groups that have both labels although labels are of patients are left out: in one of them a picture is wrong.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    slices = tuple(
        LabelledSlice(gathered.files / e.file, e.patient, e.number, e.stroke, e.sha256, e.series)
        for e in gathered.examples
    )
    grouping = group_patients(Dataset(description.name, slices, "", label_level=description.label_level))
    torn = grouping.torn & (description.label_level is LabelLevel.PATIENT)
    gathered.examples = [
        example.model_copy(update={"patient": str(group)})
        for example, group, out in zip(gathered.examples, grouping.groups, torn, strict=True)
        if not out
    ]
    if torn.any():
        gathered.left_out["their patient has both labels"] += int(torn.sum())
    return grouping


def manifest_of(
    description: Description,
    namespace: str,
    gathered: Gathered,
    known_shortcuts: tuple[KnownShortcut, ...] = (),
) -> DatasetManifest:
    """The manifest of what was gathered.

    Raises:
        DatasetError: nothing was, or the description or a label does not hold together.
    """
    if not gathered.examples:
        raise DatasetError("Nothing is left to import.")
    try:
        return DatasetManifest(
            name=description.name,
            version=description.version,
            task=description.task,
            modality=description.modality,
            label_level=description.label_level,
            source=description.source,
            licence=description.licence,
            citation=description.citation,
            patient_namespace=namespace,
            known_shortcuts=known_shortcuts,
            examples=tuple(sorted(gathered.examples, key=example_order)),
        )
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, e['loc'][:1])) or 'data set'}: {e['msg']}" for e in error.errors()
        )
        raise DatasetError(f"This is no data set: {told}.") from None


def publish(manifest: DatasetManifest, files: Path, output: Path) -> str:
    """Put a version in its folder: the files, and the manifest last. Gives its digest; the same again is success.

    Raises:
        ManifestError: another version is there.
    """
    output.mkdir(parents=True, exist_ok=True)
    if not (output / DATASET_FILE).exists():
        target = output / FILES_FOLDER
        if target.is_symlink():
            target.unlink()
        elif target.exists():  # an import was interrupted before it wrote its manifest
            shutil.rmtree(target)
        shutil.move(files, target)
    return write_manifest(manifest, output)


def _refuse_identities(rows: Iterable[Row], pictures: Iterable[Row], pseudonyms: Pseudonyms) -> None:
    """Pseudonyms and the names of pictures go into the manifest; a scan's file name does not."""
    for row in rows:
        if pseudonyms.key is None and row.patient and suspicious_pseudonym(row.patient):
            raise DatasetError(
                f"Line {row.line} of the table names a patient in a way that may identify a person. "
                "Give --pseudonym-key to replace it."
            )
    for row in pictures:
        if suspicious(row.file):
            raise DatasetError(
                f"Line {row.line} of the table has a file name that may identify a person. Rename the files."
            )


def _is_picture(path: Path) -> bool:
    try:
        return path.is_file() and sniff(path) in _PICTURES
    except IntakeError:
        return False


def _take_pictures(source: Path, rows: list[Row], pseudonyms: Pseudonyms, gathered: Gathered) -> None:
    count: Counter[str] = Counter()
    series = sorted({row.series for row in rows})
    for row, sha256 in zip(rows, file_digests([source / row.file for row in rows]), strict=True):
        if row.patient is None:
            raise DatasetError(f"Line {row.line} of the table names no patient, and a picture cannot say it.")
        patient = pseudonyms.of(row.patient)
        gathered.examples.append(
            Example(
                file=Path(row.file).as_posix(),
                sha256=sha256,
                patient=patient,
                series=series.index(row.series),
                number=count[patient] if row.number is None else row.number,
                stroke=row.stroke,
                subtypes=row.subtypes,
                age=row.age,
                sex=row.sex,
            )
        )
        count[patient] += 1


@dataclass(frozen=True)
class _Facts:
    """What is known of a series' patient."""

    patient: str
    series: int
    age: int | None
    sex: Sex | None


def _take_scan(
    path: Path,
    rows: list[Row],
    description: Description,
    pseudonyms: Pseudonyms,
    series: Counter[str],
    gathered: Gathered,
) -> None:
    """Take a DICOM file or series, or a NIfTI volume, through intake and write its slices.

    Raises:
        IntakeError: intake refuses it.
        DatasetError: its patient is not known, or its lines do not fit its slices.
    """
    files = tuple(sorted(p for p in path.rglob("*") if p.is_file())) if path.is_dir() else (path,)
    if not files:
        gathered.left_out["empty folder"] += 1
        return
    with tempfile.TemporaryDirectory(prefix="ictus-import-") as workdir:
        key = pseudonyms.key or b"import of one series: its UIDs are not kept"
        outcome = run_intake(IntakeRequest(files, key, Path(workdir), description.modality))
        gathered.identified += _names_patient(outcome)
        if outcome.hold_reasons:
            gathered.left_out[f"may show an identity in its pixels: {outcome.hold_reasons[0]}"] += 1
            return
        kept = [one for one in outcome.series if one.modality is description.modality]
        gathered.left_out["another modality"] += len(outcome.series) - len(kept)
        numbered = {row.number: row for row in rows if row.number is not None}
        if numbered and len(kept) != 1:
            raise DatasetError(
                f"Line {rows[0].line} numbers a slice, and its folder holds {len(kept)} series of this modality."
            )
        for one in kept:
            volume = Volume.from_bytes(one.volume_path.read_bytes())
            whole = next((row for row in rows if row.number is None), None)
            facts = _facts(whole or rows[0], outcome.identity, pseudonyms, series)
            if not set(numbered) <= set(range(len(volume.voxels))):
                raise DatasetError(
                    f"Line {rows[0].line} and others number slices that their series does not have."
                )
            for position in range(len(volume.voxels)):
                row = numbered.get(position, whole)
                if row is not None:
                    gathered.examples.append(
                        _write_slice(volume, position, facts, row.stroke, row.subtypes, gathered.files)
                    )
            series[facts.patient] += 1


def _names_patient(outcome: IntakeOutcome) -> bool:
    identity = outcome.identity
    return identity is not None and any(
        (identity.patient_name, identity.patient_id, identity.birth_date, identity.accession_number)
    )


def _facts(
    row: Row, identity: PatientIdentity | None, pseudonyms: Pseudonyms, series: Counter[str]
) -> _Facts:
    age, sex = row.age, row.sex
    if row.patient is not None:
        patient = pseudonyms.of(row.patient)
    elif identity is None or not identity.patient_id:
        raise DatasetError(f"Line {row.line} of the table names no patient, and the header does not either.")
    elif pseudonyms.key is None:
        raise DatasetError("The patients are named by DICOM headers only: give --pseudonym-key.")
    else:
        issuer = identity.issuer_of_patient_id or ""
        patient = pseudonyms.of(f"{issuer} {identity.patient_id}" if issuer else identity.patient_id)
    if identity is not None:
        with contextlib.suppress(ValueError):  # some writers leave text in PatientAge
            age = years(identity.age) if age is None else age
        sex = cast("Sex", identity.sex) if sex is None and identity.sex in {"F", "M", "O"} else sex
    return _Facts(patient, series[patient], age, sex)


def _write_slice(
    volume: Volume, position: int, facts: _Facts, stroke: bool, subtypes: tuple[str, ...], files: Path
) -> Example:
    name = f"{facts.patient}/{facts.series}-{position:04}{VOLUME_SUFFIX}"
    content = replace(volume, voxels=volume.voxels[position : position + 1]).to_bytes()
    target = files / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return Example(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        patient=facts.patient,
        series=facts.series,
        number=position,
        stroke=stroke,
        subtypes=subtypes,
        age=facts.age,
        sex=facts.sex,
    )
