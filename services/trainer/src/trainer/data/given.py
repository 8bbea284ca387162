"""The pictures of a data set as a network is given them, for the shortcut baselines to be asked again."""

import numpy as np

from ictus.model.preprocess import PreprocessParams, prepare
from trainer.data.dataset import LabelledSlice
from trainer.data.pictures import read_picture
from trainer.data.traits import PictureOf, UInt8


def pictures_given(preprocess: PreprocessParams) -> PictureOf:
    """What ``measure_shortcuts`` is to look at instead of the files: (3, size, size) uint8, before normalisation.

    It is read back from the normalised input itself, by the code path of training and serving.
    """
    mean = np.array(preprocess.mean, np.float32)[:, None, None]
    deviation = np.array(preprocess.deviation, np.float32)[:, None, None]

    def given(example: LabelledSlice) -> UInt8:
        pixels = prepare(read_picture(example.path), preprocess).pixels[0]
        shown: UInt8 = np.clip(np.rint((pixels * deviation + mean) * 255), 0, 255).astype(np.uint8)
        return shown

    return given
