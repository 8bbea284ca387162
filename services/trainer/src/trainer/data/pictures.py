"""The pixels of an example."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ictus.domain.enums import Modality, SourceFormat
from ictus.domain.errors import MalformedFileError
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.preprocess import BRAIN_WINDOW, to_display
from trainer.data.dataset import DatasetError

VOLUME_SUFFIX: Final = ".safetensors"
"""Of a canonical volume: how slices of DICOM series, NIfTI volumes and the platform's own cases are kept."""


def read_picture(path: Path, modality: Modality = Modality.CT) -> Volume:
    """An example as a one-slice volume: a PNG or JPEG in display units, or a canonical volume in its own.

    Args:
        path: the file.
        modality: of a picture; a canonical volume says its own.

    Raises:
        DatasetError: the file cannot be decoded.
    """
    if path.suffix == VOLUME_SUFFIX:
        try:
            return Volume.from_bytes(path.read_bytes())
        except MalformedFileError as error:
            raise DatasetError(f"{path}: {error.detail}") from error
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise DatasetError(f"{path} cannot be decoded.")
    source = SourceFormat.PNG if path.suffix.lower() == ".png" else SourceFormat.JPEG
    voxels = np.asarray(picture, dtype=np.uint8)[np.newaxis]
    return Volume(voxels, modality, source, VoxelUnits.DISPLAY)


def as_displayed(path: Path) -> NDArray[np.uint8]:
    """(rows, columns) uint8: an example as a screen shows it, CT in the brain window.

    Raises:
        DatasetError: the file cannot be decoded.
    """
    volume = read_picture(path)
    return to_display(volume.voxels[0], volume.units, BRAIN_WINDOW, BRAIN_WINDOW)
