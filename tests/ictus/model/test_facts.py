"""The model card in short, from the manifest of the repository's model."""

from tests.conftest import REPOSITORY

from ictus.model.facts import model_facts
from ictus.model.manifest import MANIFEST_FILE, Metric, ModelManifest


def starter() -> ModelManifest:
    return ModelManifest.model_validate_json((REPOSITORY / "models" / "starter" / MANIFEST_FILE).read_bytes())


def facts_of(manifest: ModelManifest) -> dict[str, str]:
    return {fact.name: fact.value for fact in model_facts(manifest)}


def test_the_network_and_its_training_are_named_as_a_reader_knows_them() -> None:
    facts = facts_of(starter())
    assert facts["Network"] == "ResNet-50 and MobileNetV2, features concatenated"
    assert facts["Trained on"].startswith("ct-ich: 82 patients")
    assert facts["Evaluated by"] == starter().training.evaluation


def test_a_figure_comes_with_its_interval_and_the_level_it_was_measured_at() -> None:
    metrics = (
        Metric(name="roc_auc", level="slice", value=0.9),
        Metric(name="roc_auc", level="study", value=0.806, low=0.702, high=0.893),
        Metric(name="brier", level="study", value=0.1),
    )
    facts = facts_of(starter().model_copy(update={"metrics": metrics}))
    assert facts["ROC-AUC"] == "0.81, 95 % interval 0.70 to 0.89 (studies); 0.90 (slices)"
    assert not any("rier" in name for name in facts)
