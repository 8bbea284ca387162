"""A data set from a folder: an imported version, or plain pictures with a CSV.

An imported version has a ``dataset.json``; every file is held against its digest. A plain folder has
``slice_labels.csv`` with the columns ``file`` (relative to the CSV), ``patient``, ``slice_no`` and ``slice_ich`` (1, 0,
or blank for an unresolved label: that slice is left out).
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ictus.model.manifest import file_sha256
from trainer.data.dataset import Dataset, DatasetError, LabelledSlice
from trainer.data.manifest import DATASET_FILE, FILES_FOLDER, DatasetManifest, LabelLevel, read_manifest
from trainer.data.table import Columns, read_rows

LABELS_FILE: Final = "slice_labels.csv"


def load_dataset(folder: Path) -> Dataset:
    """Read an imported version (``dataset.json``, or the folder it lies in) or a folder with ``slice_labels.csv``.

    Raises:
        DatasetError: the folder is neither, a picture is missing or changed, or nothing is labelled.
        ManifestError: the manifest is damaged or was edited.
    """
    if folder.name == DATASET_FILE:
        folder = folder.parent
    if (folder / DATASET_FILE).is_file():
        return _imported(folder)
    if not (folder / LABELS_FILE).is_file():
        raise DatasetError(
            f"{folder} has no {DATASET_FILE} and no {LABELS_FILE}. Make one with `ictus-train import`."
        )
    return load_folder(folder, folder / LABELS_FILE, Columns())


def file_digests(paths: Sequence[Path]) -> list[str]:
    """Hex SHA-256 of each file, several at a time.

    Raises:
        DatasetError: a file is missing.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DatasetError(f"{len(missing)} of {len(paths)} files are missing, the first is {missing[0]}.")
    with ThreadPoolExecutor(max_workers=min(8, 2 * (os.cpu_count() or 1))) as pool:
        return list(pool.map(file_sha256, paths))


def _imported(folder: Path) -> Dataset:
    manifest, sha256 = read_manifest(folder)
    paths = [folder / FILES_FOLDER / example.file for example in manifest.examples]
    changed = [
        example.file
        for example, found in zip(manifest.examples, file_digests(paths), strict=True)
        if found != example.sha256
    ]
    if changed:
        raise DatasetError(
            f"{len(changed)} files of {manifest.name} {manifest.version} were changed since the import, "
            f"the first is {changed[0]}."
        )
    return dataset_of(manifest, sha256, folder / FILES_FOLDER)


def dataset_of(manifest: DatasetManifest, sha256: str, files: Path) -> Dataset:
    """The data set of a manifest and the folder of its files, which are not looked at."""
    slices = tuple(
        LabelledSlice(path, e.patient, e.number, e.stroke, e.sha256, e.series, e.subtypes, e.age, e.sex)
        for path, e in ((files / e.file, e) for e in manifest.examples)
    )
    return Dataset(
        f"{manifest.name} {manifest.version}",
        slices,
        sha256,
        manifest.task,
        manifest.modality,
        manifest.label_level,
        manifest.patient_namespace,
        manifest.known_shortcuts,
    )


def load_folder(
    folder: Path, table: Path, columns: Columns, label_level: LabelLevel = LabelLevel.SLICE
) -> Dataset:
    """Pictures as a CSV labels them, without an import: nothing vouches that they stay as they are.

    Args:
        folder: what the table's files are relative to.
        table: the CSV.
        columns: what its columns mean; a line must name its patient.
        label_level: what a label speaks of.

    Raises:
        DatasetError: the table cannot be read, or a picture or a patient is missing.
    """
    rows = read_rows(table, columns)
    digests = file_digests([folder / row.file for row in rows])
    nameless = [row.line for row in rows if row.patient is None]
    if nameless:
        raise DatasetError(f"Line {nameless[0]} of {table.name} names no patient.")
    slices = sorted(
        (
            LabelledSlice(
                folder / row.file,
                row.patient or "",
                row.number or 0,
                row.stroke,
                sha256,
                subtypes=row.subtypes,
            )
            for row, sha256 in zip(rows, digests, strict=True)
        ),
        key=lambda s: (s.patient, s.number),
    )
    digest = hashlib.sha256()
    for s in slices:
        digest.update(f"{s.sha256} {s.patient} {s.number} {int(s.is_stroke)}\n".encode())
    name = folder.resolve().name
    return Dataset(name, tuple(slices), digest.hexdigest(), label_level=label_level, patient_namespace=name)
