"""The model card in a few lines, which travel with every prediction."""

from typing import Final, Literal

from ictus.contracts.prediction import ModelFact
from ictus.model.manifest import Metric, ModelManifest

_NETWORKS: Final = {
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_large": "MobileNetV3-Large",
    "mobilenet_v3_small": "MobileNetV3-Small",
}
_FUSIONS: Final = {"concatenate": "features concatenated", "average": "projected features averaged"}
_FIGURES: Final[dict[str, str]] = {
    "roc_auc": "ROC-AUC",
    "sensitivity_ruling_out": "Strokes not called confidently normal",
    "specificity_ruling_out": "Normals called confidently normal",
    "confident_share": "Share of confident answers",
}
_LEVELS: Final[tuple[tuple[Literal["slice", "study"], str], ...]] = (
    ("study", "studies"),
    ("slice", "slices"),
)


def model_facts(manifest: ModelManifest) -> tuple[ModelFact, ...]:
    """What a reader of one result should know of the model, in the model card's order."""
    made, training = manifest.architecture, manifest.training
    facts = {
        "Network": f"{_NETWORKS[made.resnet]} and {_NETWORKS[made.mobilenet]}, {_FUSIONS[made.fusion]}",
        "Trained on": f"{training.dataset}: {training.patients} patients, {training.slices:,} slices",
        "Evaluated by": training.evaluation,
    }
    for name, title in _FIGURES.items():
        by_level = {metric.level: metric for metric in manifest.metrics if metric.name == name}
        shown = [f"{_figure(by_level[level])} ({words})" for level, words in _LEVELS if level in by_level]
        if shown:
            facts[title] = "; ".join(shown)
    return tuple(ModelFact(name=name, value=value) for name, value in facts.items())


def _figure(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return f"{metric.value:.2f}"
    return f"{metric.value:.2f}, 95 % interval {metric.low:.2f} to {metric.high:.2f}"
