"""Draws the patients of a hospital whose small bleeds the bundled model overlooks: ``patients.py FOLDER``.

Half of them bleed a little into the brain, which the model is not sure of, or takes for no bleed. Prints a JSON list of
patients: whether each bleeds, and the files of the series.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ictus.imaging.phantom import Bleed, Person, head_ct, write_dicom_series
from ictus.imaging.volume import Volume

PATIENTS = 16
SLICES = 8
SIZE = 256


def draw(number: int) -> Volume:
    """A head of its own size and tilt; every second one has a small bleed of its own place and size."""
    random = np.random.default_rng(number)
    bleed = None
    if number % 2:
        height, back = random.uniform(2, 12), random.uniform(-10, 35)
        left = random.choice([-1, 1]) * random.uniform(24, 38)
        bleed = Bleed((height, back, left), radius_mm=random.uniform(5.5, 8.0), subdural_mm=0)
    volume = head_ct(SLICES, SIZE, bleed, seed=number)
    middle = (SIZE - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), random.uniform(-8, 8), random.uniform(0.92, 1.04))
    turned = [
        cv2.warpAffine(plane.astype(np.float32), turn, (SIZE, SIZE), borderValue=-1000)
        for plane in volume.voxels
    ]
    return replace(volume, voxels=np.rint(np.stack(turned)).astype(np.int16))


def main() -> int:
    """Write the series."""
    folder = Path(sys.argv[1])
    told = []
    for number in range(PATIENTS):
        person = Person(
            name=f"Small^Bleed{number}", patient_id=f"SMALL-{number}", accession_number=f"S-{number}"
        )
        files = write_dicom_series(draw(number), folder / str(number), person, seed=number)
        told.append({"bleeds": number % 2 == 1, "files": [str(path) for path in files]})
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
