"""Drawn patients whose heads differ as people's do: the bare phantom is one head under many seeds."""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.imaging.phantom import Bleed, brain_window, head_ct

SIZE = 96


def draw_patient(
    seed: int, slices: int = 3, bleed: Bleed | None = None, size: int = SIZE
) -> list[NDArray[np.uint8]]:
    """Pictures of one head, warped and shaded in a way of its own; the bleed is on the first slice only."""
    rng = np.random.default_rng([7, seed])
    across = rng.uniform(0.7, 1.05, 2)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(-25, 25), 1.0)
    turn[:, :2] = turn[:, :2] @ np.diag(across)
    turn[:, 2] += (1 - across) * size / 2 + rng.uniform(-4, 4, 2)
    shading = cv2.resize(rng.uniform(0.45, 1.0, (6, 6)), (size, size), interpolation=cv2.INTER_CUBIC)
    plain, bleeding = head_ct(slices, size, None, seed), head_ct(slices, size, bleed, seed)
    pictures = []
    for number in range(slices):
        shown = brain_window(bleeding if number == 0 else plain, number)
        warped = cv2.warpAffine(shown, turn, (size, size)) * shading
        pictures.append(np.clip(warped, 0, 255).astype(np.uint8))
    return pictures


def write_dataset(folder: Path, patients: int = 24, slices: int = 3, *, shortcut: bool = False) -> Path:
    """A folder with ``slice_labels.csv``: every second patient bleeds, on the first slice.

    With ``shortcut`` all pictures of patients who bleed are brighter, as an export with another window makes them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in range(patients):
        bleeds = patient % 2 == 1
        for number, picture in enumerate(draw_patient(patient, slices, Bleed() if bleeds else None)):
            shown = cv2.convertScaleAbs(picture, alpha=0.8, beta=45) if shortcut and bleeds else picture
            name = f"{patient:02d} ({number}).png"
            cv2.imwrite(str(folder / name), shown)
            rows.append([name, f"{patient:02d}", number, int(bleeds and number == 0)])
    with (folder / "slice_labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "patient", "slice_no", "slice_ich"], *rows])
    return folder
