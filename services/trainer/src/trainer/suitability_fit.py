"""Fit the embedding check: what a training-like slice looks like to the network."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.decomposition import PCA

from ictus.model.suitability import EmbeddingLimits, EmbeddingStatistics, unit_rows
from trainer.recipe import Recipe
from trainer.training.cross_validation import OutOfFold

Float32 = NDArray[np.float32]

REFERENCE_ROWS = 1000


def fit_statistics(embedding: Float32, components: int, seed: int) -> EmbeddingStatistics:
    """Principal axes of training embeddings, and a random thousand of them as reference.

    Args:
        embedding: (n, features) of training slices.
        components: principal axes kept.
        seed: of the choice.
    """
    unit = unit_rows(embedding)
    fitted = PCA(components, svd_solver="covariance_eigh").fit(unit)
    rows = np.sort(np.random.default_rng(seed).permutation(len(unit))[:REFERENCE_ROWS])
    axes = np.ascontiguousarray(fitted.components_.T, dtype=np.float32)
    mean = fitted.mean_.astype(np.float32)
    return EmbeddingStatistics(mean, axes, (unit[rows] - mean) @ axes)


def fit_suitability(embedding: Float32, held_out: OutOfFold, recipe: Recipe, path: Path) -> EmbeddingLimits:
    """Fit on all slices and write the statistics; the limit comes from held-out patients.

    A fold's network has its own embedding, so its held-out slices are measured in that.

    Args:
        embedding: (n, features) by the network that is served.
        held_out: what the folds' networks say.
        recipe: components, neighbour, and the share of held-out slices that may be refused.
        path: safetensors file to write.
    """
    distances = np.empty(len(embedding), dtype=np.float32)
    for fold in range(len(held_out.files)):
        of_fold = held_out.folds == fold
        seen = held_out.embedding_by(fold)
        others = fit_statistics(seen[~of_fold], recipe.suitability_components, recipe.seed)
        distances[of_fold] = others.distances(seen[of_fold], recipe.suitability_neighbour)
    fitted = fit_statistics(embedding, recipe.suitability_components, recipe.seed)
    save_file({"mean": fitted.mean, "axes": fitted.axes, "reference": fitted.reference}, path)
    path.chmod(0o644)  # safetensors writes for its owner alone; a service reads it as another user
    return EmbeddingLimits(
        statistics_file=path.name,
        neighbour=recipe.suitability_neighbour,
        maximum_distance=float(np.quantile(distances, 1 - recipe.suitability_refused)),
    )
