"""Who is compared: the hybrid, its parts, and classic classifiers, all judged on the same folds of patients."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tqdm import tqdm

from ictus.model.calibration import log_odds
from trainer.recipe import Recipe
from trainer.training.head import FeatureSet, cross_validate

Float32 = NDArray[np.float32]
Folds = NDArray[np.int64]
Classifier: TypeAlias = Pipeline | RandomForestClassifier

HYBRID: Final = "hybrid-concatenation"
TITLES: Final = {
    HYBRID: "Hybrid, features concatenated",
    "hybrid-average": "Hybrid, features averaged",
    "resnet": "ResNet alone",
    "mobilenet": "MobileNet alone",
    "svm-features": "SVM on the same features",
    "forest-features": "Random forest on the same features",
    "svm-texture": "SVM on texture",
    "forest-texture": "Random forest on texture",
}

_TREES: Final = 200
_CLASSES: Final = 2


def contenders(
    data: FeatureSet, texture: Float32, folds: Folds, recipe: Recipe, widths: tuple[int, int]
) -> dict[str, Callable[[], Float32]]:
    """Each contender's name and what computes its out-of-fold (n, 2) logits.

    The networks differ in nothing but what their head sees; the recipe is one, but for averaged features, which no
    logistic regression can average: their head takes gradient steps. SVM and forest learn from the
    slices as they are, with scikit-learn's defaults and classes weighted by rarity.

    Args:
        data: embeddings of both backbones side by side.
        texture: (n, features) of the same slices.
        folds: (n,) in which each slice is held out.
        recipe: of the hybrid.
        widths: features of the ResNet and of the MobileNet.
    """
    resnet, mobilenet = widths

    def network(columns: slice, part_widths: tuple[int, int], fusion: str) -> Callable[[], Float32]:
        part = FeatureSet(data.features[..., columns], data.labels, data.patients)
        architecture = recipe.architecture.model_copy(update={"fusion": fusion})
        solver = recipe.training.solver if fusion == "concatenate" else "gradient"
        training = recipe.training.model_copy(update={"solver": solver})
        own = recipe.model_copy(update={"architecture": architecture, "training": training})
        return lambda: cross_validate(part, folds, own, part_widths, _CLASSES)[0]

    def classic(features: Float32, make: Callable[[int], Classifier]) -> Callable[[], Float32]:
        return lambda: classic_logits(features, data.labels, folds, make, recipe.seed)

    return {
        HYBRID: network(slice(None), widths, "concatenate"),
        "hybrid-average": network(slice(None), widths, "average"),
        "resnet": network(slice(resnet), (resnet, 0), "concatenate"),
        "mobilenet": network(slice(resnet, None), (0, mobilenet), "concatenate"),
        "svm-features": classic(data.features[:, 0], support_vectors),
        "forest-features": classic(data.features[:, 0], forest),
        "svm-texture": classic(texture, support_vectors),
        "forest-texture": classic(texture, forest),
    }


def support_vectors(seed: int) -> Pipeline:
    """An SVM with a Gaussian kernel on standardised features."""
    return make_pipeline(StandardScaler(), SVC(class_weight="balanced", random_state=seed))


def forest(seed: int) -> RandomForestClassifier:
    """A random forest."""
    return RandomForestClassifier(
        _TREES, min_samples_leaf=2, class_weight="balanced_subsample", random_state=seed
    )


def classic_logits(
    features: Float32,
    labels: NDArray[np.int64],
    folds: Folds,
    make: Callable[[int], Classifier],
    seed: int,
) -> Float32:
    """Out-of-fold (n, 2) logits of a scikit-learn classifier; an SVM's decision value stands for log-odds."""
    logits = np.zeros((len(labels), _CLASSES), dtype=np.float32)
    for fold in tqdm(range(int(folds.max()) + 1), desc="cross-validating", unit="fold"):
        held_out = folds == fold
        model = make(seed).fit(features[~held_out], labels[~held_out])
        if isinstance(model, RandomForestClassifier):
            edge = 1 / (2 * _TREES)  # no vote of all trees is taken for certainty
            stroke = log_odds(np.clip(model.predict_proba(features[held_out])[:, 1], edge, 1 - edge))
        else:
            stroke = model.decision_function(features[held_out])
        logits[held_out, 1] = stroke
    return logits
