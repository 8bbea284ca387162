"""A data set from a folder.

A data set is a folder with a CSV whose columns are ``file`` (relative to the CSV), ``patient``, ``slice_no``
and ``slice_ich`` (1, 0, or blank for an unresolved label: that slice is left out).
"""

import csv
import hashlib
from pathlib import Path
from typing import Final

from ictus.model.manifest import file_sha256
from trainer.data.dataset import Dataset, DatasetError, LabelledSlice

LABELS_FILE: Final = "slice_labels.csv"


def load_dataset(folder: Path) -> Dataset:
    """Read a folder with its ``slice_labels.csv``.

    Raises:
        DatasetError: the CSV or a picture is missing, or nothing is labelled.
    """
    table = folder / LABELS_FILE
    if not table.is_file():
        raise DatasetError(f"{folder} has no {LABELS_FILE}.")
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["slice_ich"].strip()]
    if not rows:
        raise DatasetError(f"{table} labels nothing.")
    missing = [row["file"] for row in rows if not (folder / row["file"]).is_file()]
    if missing:
        raise DatasetError(f"{len(missing)} pictures of {table} are missing, the first is {missing[0]}.")
    slices = sorted(
        (
            LabelledSlice(
                path=folder / row["file"],
                patient=row["patient"],
                number=int(row["slice_no"]),
                is_stroke=row["slice_ich"].strip() == "1",
                sha256=file_sha256(folder / row["file"]),
            )
            for row in rows
        ),
        key=lambda s: (s.patient, s.number),
    )
    digest = hashlib.sha256()
    for s in slices:
        digest.update(f"{s.sha256} {s.patient} {s.number} {int(s.is_stroke)}\n".encode())
    return Dataset(folder.name, tuple(slices), digest.hexdigest())
