"""Data sets: where examples come from, how they are split, and what is checked before anything learns from them."""

from trainer.data.dataset import Dataset, DatasetError, LabelledSlice
from trainer.data.load import load_dataset
from trainer.data.pictures import read_picture
from trainer.data.splits import patient_folds

__all__ = ["Dataset", "DatasetError", "LabelledSlice", "load_dataset", "patient_folds", "read_picture"]
