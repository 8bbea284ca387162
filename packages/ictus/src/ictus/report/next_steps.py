"""Recommended next steps: a table of rules that an admin can edit, and its evaluation.

Every rule whose conditions hold adds its steps, in the table's order; a step that is already there is not
repeated. There is no first match and no priority to reason about: reading the table from top to bottom
is reading the advice. Steps are advice to a clinician ("consider …"), never an order to treat.
"""

from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition, Finding, Modality, Priority
from ictus.report.reading import Reading

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
OneLine = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class _Row(BaseModel):
    """A part of the table: unknown members are mistakes and are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Urgency(StrEnum):
    """When a step is worth considering; the values are what the report prints as groups."""

    NOW = "now"
    NEXT = "next"
    ALWAYS = "always"


class NextStep(_Row):
    """One piece of advice and where it comes from."""

    text: Annotated[OneLine, Field(max_length=400)]
    urgency: Urgency = Urgency.NEXT
    source: Annotated[OneLine, Field(max_length=200)] | None = Field(
        default=None, description="The guideline that the step rests on, as a reader would cite it."
    )


class Conditions(_Row):
    """When a rule holds. A condition left out holds for everything; all that are given must hold."""

    dispositions: tuple[Disposition, ...] | None = Field(default=None, min_length=1)
    findings: tuple[Finding | None, ...] | None = Field(
        default=None, min_length=1, description="null stands for 'the model may not say'."
    )
    modalities: tuple[Modality, ...] | None = Field(default=None, min_length=1)
    priorities: tuple[Priority, ...] | None = Field(default=None, min_length=1)
    probability_at_least: float | None = Field(default=None, ge=0, le=1)
    probability_below: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Exclusive. With a probability bound the rule needs a probability.",
    )
    read: bool | None = Field(
        default=None,
        description="Whether readers have decided. Their finding then counts as a confident one, and images that allow "
        "none as unsuitable.",
    )

    @model_validator(mode="after")
    def _band_is_not_empty(self) -> Self:
        low, high = self.probability_at_least, self.probability_below
        if low is not None and high is not None and low >= high:
            raise ValueError("probability_at_least must be smaller than probability_below")
        return self

    def hold_for(
        self, result: PredictionResult, modality: Modality, priority: Priority, *, read: bool = False
    ) -> bool:
        """Whether a study with this result, modality and priority, read or not, meets every condition."""
        return (
            (self.read is None or read == self.read)
            and (self.dispositions is None or result.disposition in self.dispositions)
            and (self.findings is None or result.finding in self.findings)
            and (self.modalities is None or modality in self.modalities)
            and (self.priorities is None or priority in self.priorities)
            and self._probability_in_band(result.stroke_probability)
        )

    def _probability_in_band(self, probability: float | None) -> bool:
        if self.probability_at_least is None and self.probability_below is None:
            return True
        if probability is None:
            return False
        low = 0.0 if self.probability_at_least is None else self.probability_at_least
        return low <= probability and (self.probability_below is None or probability < self.probability_below)


class NextStepRule(_Row):
    """Conditions and the steps they call for."""

    id: Slug = Field(description="A stable name, unique in the table.")
    when: Conditions = Conditions()
    steps: tuple[NextStep, ...] = Field(min_length=1, max_length=20)


class NextStepTable(_Row):
    """The whole table. Its order is the order of the advice."""

    schema_version: Literal[1] = 1
    rules: tuple[NextStepRule, ...] = Field(max_length=100)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [rule.id for rule in self.rules]
        if duplicates := sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1}):
            raise ValueError(f"rule ids are not unique: {', '.join(duplicates)}")
        return self

    def evaluate(
        self,
        result: PredictionResult,
        modality: Modality,
        priority: Priority = Priority.ROUTINE,
        reading: Reading | None = None,
    ) -> tuple[NextStep, ...]:
        """The steps for one study: now before next before always, within each in the table's order."""
        if reading is not None:
            result = _as_read(result, reading)
        steps: dict[str, NextStep] = {}
        for rule in self.rules:
            if rule.when.hold_for(result, modality, priority, read=reading is not None):
                for step in rule.steps:
                    steps.setdefault(step.text, step)
        order = list(Urgency)
        return tuple(sorted(steps.values(), key=lambda step: order.index(step.urgency)))


def _as_read(result: PredictionResult, reading: Reading) -> PredictionResult:
    """The result as if the model had said what the readers found; it then has no probability."""
    suitable = reading.finding is not None
    return result.model_copy(
        update={
            "finding": reading.finding,
            "stroke_probability": None,
            "disposition": Disposition.CONFIDENT if suitable else Disposition.UNSUITABLE,
        }
    )


@cache
def default_table() -> NextStepTable:
    """The table that an installation starts with (``next_steps.json`` beside this module)."""
    return NextStepTable.model_validate_json(files(__package__).joinpath("next_steps.json").read_bytes())
