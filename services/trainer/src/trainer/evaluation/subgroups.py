"""Figures by age, sex and kind of haemorrhage, where a data set says them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ictus.model.base import Params
from ictus.model.manifest import Metric
from trainer.calibrate import Judged
from trainer.data import Dataset
from trainer.evaluation.bootstrap import EvaluationError, patient_weights
from trainer.evaluation.metrics import STATISTICS, Level, measure, to_metrics

Bool = NDArray[np.bool_]

_AGE_BANDS: Final = ((0, 40), (40, 60), (60, 80), (80, 200))
_FIGURES: Final = (
    "roc_auc",
    "sensitivity",
    "specificity",
    "sensitivity_ruling_out",
    "specificity_ruling_out",
)


class SubgroupRow(Params):
    """The figures of one group; specificity of a kind of haemorrhage is that of all slices without any."""

    attribute: str
    group: str
    level: Level
    patients: int
    strokes: int
    normals: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Group:
    """Who belongs to a group.

    Attributes:
        attribute: "age", "sex" or "haemorrhage".
        name: of the group.
        member: (n,) slices that belong to it, in the data set's order.
        keeps_normals: whether slices without a stroke are compared with it wherever they come from; so it is
            for kinds of haemorrhage, which no normal slice has.
    """

    attribute: str
    name: str
    member: Bool
    keeps_normals: bool


def groups_of(dataset: Dataset) -> tuple[Group, ...]:
    """The groups that the data set tells of; none when it tells of none."""
    slices = dataset.slices
    kinds = [s.subtypes for s in slices]
    groups = [
        Group("haemorrhage", kind, np.array([kind in own for own in kinds]), keeps_normals=True)
        for kind in sorted({kind for own in kinds for kind in own})
    ]
    groups += [
        Group("sex", sex, np.array([s.sex == sex for s in slices]), keeps_normals=False)
        for sex in sorted({s.sex for s in slices if s.sex})
    ]
    groups += [
        Group(
            "age",
            f"{low} to {high - 1}" if high < _AGE_BANDS[-1][1] else f"{low} and older",
            np.array([s.age is not None and low <= s.age < high for s in slices]),
            keeps_normals=False,
        )
        for low, high in _AGE_BANDS
    ]
    return tuple(group for group in groups if group.member.any())


def subgroup_rows(
    groups: tuple[Group, ...], dataset: Dataset, judged: Mapping[Level, Judged], seed: int
) -> tuple[SubgroupRow, ...]:
    """Figures of each group at each level; a group that lacks strokes or normals is left out.

    Args:
        groups: of ``groups_of``.
        dataset: the slices that were judged.
        judged: predictions at each level.
        seed: of the bootstrap.
    """
    rows = []
    for group in groups:
        patients_inside = set(dataset.patients[group.member])
        for level, j in judged.items():
            inside = group.member if level == "slice" else np.isin(j.patient, list(patients_inside))
            chosen = (inside & j.label) | ~j.label if group.keeps_normals else inside
            part = taken(j, chosen)
            try:
                weights = patient_weights(part.patient, part.label, seed)
            except EvaluationError:
                continue
            found = measure(part, {name: STATISTICS[name] for name in _FIGURES}, weights)
            rows.append(
                SubgroupRow(
                    attribute=group.attribute,
                    group=group.name,
                    level=level,
                    patients=len(np.unique(part.patient[part.label]))
                    if group.keeps_normals
                    else len(patients_inside),
                    strokes=int(part.label.sum()),
                    normals=int((~part.label).sum()),
                    metrics=to_metrics(level, found),
                )
            )
    return tuple(rows)


def taken(judged: Judged, chosen: Bool | NDArray[np.int64]) -> Judged:
    """The chosen predictions, in the chosen order."""
    return Judged(*(getattr(judged, field.name)[chosen] for field in fields(Judged)))
