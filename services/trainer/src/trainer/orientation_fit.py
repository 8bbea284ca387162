"""Fit the orientation check: slices as they are, mirrored, turned a little and shown otherwise, against the reverse.

Drawn heads are learned from too: their outline is wider in front than a real one, so that by itself the machine
takes them for turned, and what is drawn to try an installation out must be answered.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.svm import SVC

from ictus.imaging.phantom import Bleed, brain_window, head_ct
from ictus.model.orientation import UprightStatistics, series_evidence, upright_traits
from ictus.model.preprocess import HeadCrop, head_box
from ictus.model.suitability import OrientationLimits

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

COMPONENTS = 120
_PENALTY = 3.0
_DRAWN_SLICES, _DRAWN_SIZE = 24, 256
_DRAWN_WINDOWS = (80.0, 120.0)


def slice_traits(pictures: Iterable[UInt8], crop: HeadCrop) -> Float32:
    """(n, 2, features) of ``upright_traits`` of slices as the model's first window shows them.

    Args:
        pictures: n of (rows, columns) uint8, upright.
        crop: how the model frames a head.
    """
    return np.array(
        [upright_traits(picture, np.array(head_box(picture, crop), dtype=np.int32)) for picture in pictures],
        dtype=np.float32,
    )


def drawn_heads(windows: Sequence[float] = _DRAWN_WINDOWS, lowest: int = 1) -> Iterator[UInt8]:
    """Upright slices of drawn heads, with a bleed and without; the outermost are left out.

    Args:
        windows: widths that they are shown in.
        lowest: slice of the 24 to begin with.
    """
    for bleed in (None, Bleed()):
        head = head_ct(_DRAWN_SLICES, _DRAWN_SIZE, bleed)
        for width in windows:
            for at in range(lowest, _DRAWN_SLICES - 1):
                yield brain_window(head, at, width=width)


def drawn_traits(crop: HeadCrop) -> Float32:
    """(m, 2, features) of drawn heads and their mirror images."""
    both = (picture for upright in drawn_heads() for picture in (upright, upright[:, ::-1].copy()))
    return slice_traits(both, crop)


def fit_upright(traits: Float32, seed: int) -> UprightStatistics:
    """The machine that tells (n, 2, features) slices as they lie from their reverse."""
    rows = np.concatenate([traits[:, 0], traits[:, 1]])
    is_upright = np.arange(len(rows)) < len(traits)
    components = min(COMPONENTS, *rows.shape)
    fitted = PCA(components, svd_solver="covariance_eigh", random_state=seed).fit(rows)
    along = fitted.transform(rows)
    gamma = 1 / (components * float(along.var()))
    machine = SVC(C=_PENALTY, gamma=gamma, cache_size=500).fit(along, is_upright)
    return UprightStatistics(
        mean=fitted.mean_.astype(np.float32),
        axes=np.ascontiguousarray(fitted.components_.T, dtype=np.float32),
        support=machine.support_vectors_.astype(np.float32),
        weights=machine.dual_coef_[0].astype(np.float32),
        terms=np.array([gamma, machine.intercept_[0]], dtype=np.float32),
    )


def judge_upright(
    traits: Float32, drawn: Float32, patients: NDArray[np.generic], folds: Int64, refused: float, seed: int
) -> OrientationLimits:
    """The limit at which so many upright slices of held-out patients are refused, and what it finds.

    Args:
        traits: (n, views, 2, features): each slice as it is first, then otherwise.
        drawn: (m, 2, features) of ``drawn_traits``.
        patients: (n,) of whom each slice is.
        folds: (n,) by patient; -1 for patients that are never fitted on.
        refused: share of single upright slices, in all views.
        seed: of the fits.
    """
    evidence = np.empty(traits.shape[:2], dtype=np.float32)
    for fold in np.unique(folds):
        held_out = folds == fold
        fitted = fit_upright(joined(traits[(folds != fold) & (folds >= 0)], drawn), seed)
        of_fold = traits[held_out]
        evidence[held_out] = fitted.evidence(of_fold.reshape(-1, *of_fold.shape[-2:])).reshape(
            of_fold.shape[:2]
        )
    # Above 0 the evidence is for upright, and of a series it would only grow.
    limit = min(0.0, float(np.quantile(evidence, refused)))
    series = np.array([series_evidence(evidence[patients == patient, 0]) for patient in np.unique(patients)])
    return OrientationLimits(
        minimum_evidence=limit,
        upright_refused=float((evidence < limit).mean()),
        turned_refused=float((-evidence < limit).mean()),
        upright_series_refused=float((series < limit).mean()),
        turned_series_refused=float((-series < limit).mean()),
    )


def joined(traits: Float32, drawn: Float32) -> Float32:
    """Slices in all their views, and drawn heads, as rows of (2, features)."""
    return np.concatenate([traits.reshape(-1, *traits.shape[-2:]), drawn])
