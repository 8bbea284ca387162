"""Fit the suitability check of a finished model to the slices it learned from, as they are and as others export them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tqdm import tqdm

from ictus.domain.enums import Modality, SourceFormat
from ictus.imaging.raster import to_grey
from ictus.imaging.volume import Volume, VoxelUnits
from ictus.model.manifest import (
    INPUT_PIXELS,
    OUTPUT_EMBEDDING,
    REPLAY_FILE,
    TEST_SET_FILE,
    ModelDirectory,
    load_model_directory,
)
from ictus.model.orientation import UprightStatistics
from ictus.model.preprocess import HeadCrop, prepare, to_display
from ictus.model.suitability import OrientationLimits
from trainer.build import describe, frozen_test_set
from trainer.data import Dataset, patient_folds, read_picture
from trainer.evaluation.unsuitable import Picture, carried_pictures, drawn_pictures
from trainer.exemplars import read_embedded
from trainer.features import open_session
from trainer.orientation_fit import (
    drawn_heads,
    drawn_traits,
    fit_upright,
    joined,
    judge_upright,
    slice_traits,
)
from trainer.recipe import Recipe
from trainer.stranger_fit import fit_likeness
from trainer.suitability_fit import Heads, choose_statistic, write_statistics
from trainer.training.augment import Augmentation, draw_change, generator, show_otherwise

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]

_PURPOSE: Final = "suitability"
_EXPORTS: Final = Augmentation(contrast=1.6, flatness=1.4, level=0.08, gamma=1.3)
"""Wider than the training's: windows from 75 to 170 HU for one of 120, by which the limits must not refuse a site."""
_ABOVE_THE_SKULL_BASE: Final = 7
"""Slice of the 24 of a drawn head: below it they resemble no scan."""
_SHARE_OF_DISTANCE: Final = 0.25
_SHARE_OF_LINE: Final = 0.5
"""Of what may be refused of held-out slices; at a quarter the line lets strangers of other kinds pass (0088)."""
_SLICES_FOR_ORIENTATION: Final = 1000
_LEAN: Final = 15.0
"""Degrees by which heads lie turned at most where the orientation check learns from them."""
_TURNED_REFUSED: Final = 0.004
"""Share of single upright slices that may be called upside down: of a series hardly any."""
_NOT_DRAWN_FOR: Final = {"turned phantom", "coloured head"}
"""Kinds of drawn pictures that are heads: the embedding check is not asked to refuse them."""


@dataclass(frozen=True)
class _Slices:
    """Slices that a check is fitted on.

    Attributes:
        pictures: n of (rows, columns) uint8, as they are.
        digests: of the files they come from.
        patients: (n,) of whom each is.
        folds: (n,) by patient; -1 for patients that are never fitted on.
    """

    pictures: list[UInt8]
    digests: list[str]
    patients: NDArray[np.generic]
    folds: NDArray[np.int64]

    def exported(self, seed: int) -> Iterator[UInt8]:
        """The same as other sites may export them."""
        for picture, digest in zip(self.pictures, self.digests, strict=True):
            yield as_exported(picture, digest, seed)


def as_exported(picture: UInt8, digest: str, seed: int, purpose: str = _PURPOSE) -> UInt8:
    """The slice as another site may export it; the change belongs to the slice and what it is for."""
    return show_otherwise(picture, draw_change(_EXPORTS, generator(seed, digest, purpose)))


def refit_suitability(
    model: ModelDirectory,
    dataset: Dataset,
    recipe: Recipe,
    slices: int,
    report: Callable[[str], None],
    *,
    strangers: Sequence[Picture] = (),
    cache: Path | None = None,
    is_test: NDArray[np.bool_] | None = None,
) -> ModelDirectory:
    """Choose and fit the embedding check and the orientation check; the model is described anew.

    Patients of the recipe's frozen test set take no part in the fit, only in the limits.

    Args:
        model: a verified model directory; its statistics, manifest and card are replaced.
        dataset: that it was trained on.
        recipe: that it was trained by.
        slices: how many the embedding check takes at most, drawn by the recipe's seed.
        report: told of each step.
        strangers: pictures of other things than head CT, beside drawn ones and those of packages for development.
        cache: folder where embeddings are kept, None for nowhere.
        is_test: (n,) which slices are of the frozen test set; None asks the recipe.

    Raises:
        DatasetError: a picture cannot be decoded.
    """
    report("Fitting the orientation check")
    many = _take(model, dataset, recipe, _SLICES_FOR_ORIENTATION, is_test)
    orientation, upright = _fit_orientation(many, model.manifest.preprocess.crop or HeadCrop(), recipe)
    taken = _take(model, dataset, recipe, slices, is_test)
    embed = _Embedder(model, open_session(model.graph, threads=0), cache)
    drawn = [one for one in drawn_pictures(recipe.seed) if one.kind not in _NOT_DRAWN_FOR]
    others = [*(one for one in carried_pictures() if one.is_for_development), *strangers]
    report("Fitting the embedding check")
    plain = _carried(model, dataset, recipe) or Heads(embed.all(taken.pictures, "slices"), taken.folds)
    changed = Heads(embed.all(taken.exported(recipe.seed), "as others export them"), taken.folds)
    of_drawn = embed.all((to_grey(one.pixels)[0] for one in drawn), "drawn pictures")
    of_others = embed.all((to_grey(one.pixels)[0] for one in others), "strangers")
    # A slice must pass both. The line tells strangers better, so it has more of what may be refused; the rest is kept,
    # because limits estimated from some hundreds of slices may refuse more elsewhere.
    roomy = recipe.model_copy(update={"suitability_refused": recipe.suitability_refused * _SHARE_OF_DISTANCE})
    exported_at = model.manifest.preprocess.picture_window
    statistics, limits = choose_statistic(plain, changed, of_drawn, roomy)
    line, likeness = fit_likeness(
        plain,
        changed,
        embed.all(drawn_heads((exported_at.width,), _ABOVE_THE_SKULL_BASE), "drawn heads"),
        np.concatenate([of_drawn, of_others]),
        ["drawn"] * len(drawn) + [one.kind for one in others],
        recipe.suitability_refused * _SHARE_OF_LINE,
        recipe.seed,
    )
    before = model.manifest.suitability
    file = before.embedding.statistics_file if before.embedding else limits.statistics_file
    write_statistics(replace(statistics, likeness=line, upright=upright), model.path / file)
    suitability = before.model_copy(
        update={
            "embedding": limits.model_copy(update={"statistics_file": file, "likeness": likeness}),
            "orientation": orientation,
        }
    )
    describe(model.path, model.manifest.model_copy(update={"suitability": suitability}))
    return load_model_directory(model.path)


def _carried(model: ModelDirectory, dataset: Dataset, recipe: Recipe) -> Heads | None:
    """The embeddings that the model carries to be taught further; None if it carries none."""
    files = [model.path / name for name in (REPLAY_FILE, TEST_SET_FILE)]
    if not all(file.is_file() for file in files):
        return None
    learned, kept_aside = (read_embedded(file) for file in files)
    patients, first = np.unique(dataset.patients, return_index=True)
    of_patient = patient_folds(dataset, recipe.folds, recipe.seed)[first]
    if max(part.patients.max() for part in (learned, kept_aside)) >= len(patients):
        return None  # of another data set
    return Heads(
        np.concatenate([learned.embedding, kept_aside.embedding]).astype(np.float32),
        np.concatenate([of_patient[learned.patients], np.full(len(kept_aside.patients), -1)]),
    )


def _take(
    model: ModelDirectory, dataset: Dataset, recipe: Recipe, slices: int, is_test: NDArray[np.bool_] | None
) -> _Slices:
    rows = np.sort(np.random.default_rng(recipe.seed).permutation(len(dataset.slices))[:slices])
    is_test = frozen_test_set(dataset, recipe) if is_test is None else is_test
    folds = np.where(is_test, -1, patient_folds(dataset, recipe.folds, recipe.seed))
    exported_at = model.manifest.preprocess.picture_window
    pictures, digests = [], []
    for row in rows:
        example = dataset.slices[row]
        volume = read_picture(example.path)
        pictures.append(to_display(volume.voxels[0], volume.units, exported_at, exported_at))
        digests.append(example.sha256)
    return _Slices(pictures, digests, dataset.patients[rows], folds[rows])


def _fit_orientation(
    taken: _Slices, crop: HeadCrop, recipe: Recipe
) -> tuple[OrientationLimits, UprightStatistics]:
    """From each slice as it is, and twice as it may lie and be exported elsewhere, once mirrored."""

    def elsewhere(purpose: str, *, mirrored: bool) -> Iterator[UInt8]:
        for picture, digest in zip(taken.pictures, taken.digests, strict=True):
            shown = picture[:, ::-1].copy() if mirrored else picture
            lean = float(generator(recipe.seed, digest, purpose).uniform(-_LEAN, _LEAN))
            yield _leaning(as_exported(shown, digest, recipe.seed, purpose), lean)

    views = [
        slice_traits(taken.pictures, crop),
        slice_traits(elsewhere("mirrored", mirrored=True), crop),
        slice_traits(elsewhere("leaning", mirrored=False), crop),
    ]
    traits, drawn = np.stack(views, axis=1), drawn_traits(crop)
    limits = judge_upright(traits, drawn, taken.patients, taken.folds, _TURNED_REFUSED, recipe.seed)
    return limits, fit_upright(joined(traits[taken.folds >= 0], drawn), recipe.seed)


def _leaning(picture: UInt8, degrees: float) -> UInt8:
    rows, columns = picture.shape
    turn = cv2.getRotationMatrix2D((columns / 2, rows / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (columns, rows)), dtype=np.uint8)


@dataclass(frozen=True)
class _Embedder:
    """What the graph makes of pictures; kept in a folder by what it was shown, so that a second fit is quick."""

    model: ModelDirectory
    session: onnxruntime.InferenceSession
    cache: Path | None

    def all(self, pictures: Iterable[UInt8], what: str) -> Float32:
        """(n, features) of n pictures, at least one."""
        rows = [self._one(picture) for picture in tqdm(pictures, desc=what, unit="picture")]
        return np.stack(rows).astype(np.float32)

    def _one(self, picture: UInt8) -> NDArray[np.floating]:
        volume = Volume(picture[np.newaxis], Modality.CT, SourceFormat.PNG, VoxelUnits.DISPLAY)
        pixels = prepare(volume, self.model.manifest.preprocess).pixels
        if self.cache is None:
            return self._run(pixels)
        manifest = self.model.manifest
        folder = self.cache / manifest.files[manifest.served_graph].sha256[:16]
        kept = folder / f"{hashlib.sha256(pixels.tobytes()).hexdigest()}.npy"
        if not kept.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            np.save(kept, self._run(pixels).astype(np.float16))
        return np.asarray(np.load(kept), dtype=np.float32)

    def _run(self, pixels: Float32) -> Float32:
        embedding: Float32 = self.session.run([OUTPUT_EMBEDDING], {INPUT_PIXELS: pixels})[0][0]
        return embedding
