"""The pixels of an example."""

from pathlib import Path

import cv2
import numpy as np

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.volume import Volume, VoxelUnits
from trainer.data.dataset import DatasetError


def read_picture(path: Path) -> Volume:
    """A picture of a CT slice as a one-slice volume in display units.

    Raises:
        DatasetError: the file cannot be decoded.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise DatasetError(f"{path} cannot be decoded.")
    source = SourceFormat.PNG if path.suffix.lower() == ".png" else SourceFormat.JPEG
    voxels = np.asarray(picture, dtype=np.uint8)[np.newaxis]
    return Volume(voxels, Modality.CT, source, VoxelUnits.DISPLAY)
