"""Makes what the browser uploads: ``python inputs.py FOLDER``.

Drawn heads for what must always be there, real files where they are at hand: those that PyPI packages carry, and
the shared data (``ICTUS_SHARED_DATA``, or ``../shared/data`` beside the checkout) when it is present. Prints the names.
"""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file
from pydicom.uid import SecondaryCaptureImageStorage

from ictus.imaging.phantom import (
    Person,
    brain_window,
    dicom_series,
    head_ct,
    head_mr,
    photograph,
    picture,
    with_bleed,
    write_dicom_series,
    write_nifti,
)
from ictus.imaging.volume import Volume

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENT = Person(name="Canary^Anna", patient_id="CANARY-4711", accession_number="ACC-4711")


def shared_data() -> Path | None:
    """The folder of real scans, None where there is none."""
    folder = Path(os.environ.get("ICTUS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    return folder if folder.is_dir() else None


def real_photograph() -> bytes:
    """A photograph out of scikit-learn's package; a drawn one when the package came without it."""
    import sklearn.datasets

    path = Path(sklearn.datasets.__file__).parent / "images" / "flower.jpg"
    return path.read_bytes() if path.exists() else photograph()


def real_slices(folder: Path) -> dict[str, Path]:
    """A slice with a bleed and one of a patient without, the first of each by name."""
    with (folder / "ct-ich" / "slice_labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    bleeds = [row["file"] for row in rows if row["slice_ich"] == "1"]
    clean = [row["file"] for row in rows if row["slice_ich"] == "0" and row["patient_has_ich"] == "0"]
    return {
        "bleed": folder / "ct-ich" / bleeds[len(bleeds) // 2],
        "clean": folder / "ct-ich" / clean[len(clean) // 2],
    }


def skull_boxes(volume: Volume) -> list[list[float]]:
    """(left, top, right, bottom) of what is white in the brain window of each slice, as shares of the picture."""
    _, rows, columns = volume.shape
    boxes = []
    for index in range(len(volume.voxels)):
        at_row, at_column = np.nonzero(brain_window(volume, index) > 245)
        ends = (at_column.min(), at_row.min(), at_column.max() + 1, at_row.max() + 1)
        boxes.append([float(end / side) for end, side in zip(ends, (columns, rows) * 2, strict=True)])
    return boxes


def single_slices(volume: Volume, folder: Path) -> dict[str, Path]:
    """One slice a patient: those of a queue, and those that may show who they are of. The name is the patient's."""
    paths = {}
    names = ("Waits_One", "Waits_Two", "Waits_Three", "Waits_Four", "Lost_Scan", "Burned_In", "Screen_Shot")
    for index, name in enumerate(names, start=8):
        person = Person(name=name.replace("_", "^"), patient_id=f"SLICE-{index}")
        instance = list(dicom_series(volume, person, seed=index))[index]
        if name == "Burned_In":
            instance.BurnedInAnnotation = "YES"
        if name == "Screen_Shot":
            instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        paths[name] = folder / f"{name}.dcm"
        instance.save_as(paths[name], enforce_file_format=True)
    return paths


def main() -> int:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    clean = head_ct(slices=24)
    bleeding = with_bleed(clean)
    middle = 14
    made: dict[str, list[str]] = {}

    def keep(name: str, content: bytes) -> None:
        (folder / name).write_bytes(content)
        made[name.split(".", maxsplit=1)[0]] = [str(folder / name)]

    keep("slice.jpg", picture(bleeding, middle, "JPEG"))
    keep("photograph.jpg", real_photograph())
    for name, seed in (("reviewed_photograph.jpg", 1), ("erased_photograph.jpg", 2)):
        keep(name, photograph(seed=seed))
    series = write_dicom_series(bleeding, folder / "ct-series", PATIENT)
    made["ct_series"] = [str(path) for path in series]
    keep("skull_boxes.json", json.dumps(skull_boxes(bleeding)).encode())
    keep("ct_slice.dcm", series[middle].read_bytes())
    keep("truncated.dcm", series[middle].read_bytes()[:60_000])
    small = get_testdata_file("CT_small.dcm")
    made["ct_small"] = [str(small)]
    made |= {name: [str(path)] for name, path in single_slices(clean, folder).items()}
    mr = write_dicom_series(head_mr(slices=16), folder / "mr-series", Person(name="Phantom^Mr"))
    made["mr_series"] = [str(path) for path in mr]
    made["ct_nifti"] = [str(write_nifti(clean, folder / "head.nii.gz"))]

    shared = shared_data()
    if shared is not None:
        made["real_mr_series"] = [
            str(path) for path in sorted((shared / "samples" / "mr_dicom").rglob("*")) if path.is_file()
        ]
        samples = shared / "samples"
        made["real_ct_slice"] = [str(samples / "dicom_hard" / "cq500_head_ct_slice.dcm")]
        made["real_ct_nifti"] = [str(samples / "ct_nifti" / "scct.nii")]
        made |= {f"real_{name}": [str(path)] for name, path in real_slices(shared).items()}
    sys.stdout.write(json.dumps(made) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
