"""Confirmed cases and the datasets that are made of them, between feedback, the gateway and the trainer.

    GET  /internal/v1/cases?site_id=&limit=&cursor=        gateway           -> 200 CasePage
    GET  /internal/v1/cases/summary?embedding_space=&learned=  gateway       -> 200 CaseSummary
    POST /internal/v1/datasets              DatasetRequest gateway           -> 200 TrainingDataset | 409 no_cases
    GET  /internal/v1/datasets/{dataset_id}                gateway, trainer  -> 200 TrainingDataset | 404
    GET  /internal/v1/datasets/{dataset_id}/embeddings     gateway, trainer  -> 200 safetensors | 404, 410 erased
    GET  /internal/v1/datasets/{dataset_id}/scans          trainer           -> 200 DatasetScans | 404, 410 erased

The safetensors object holds one row for each used slice: ``embedding`` (n, features) f16, ``labels`` (n,) u8 (0 normal,
1 stroke), ``corrected`` (n,) u8 (1: readers decided against the model), ``new`` (n,) u8 (1: of a case that the model in
use has not learned from), and the running numbers ``cases``, ``patients`` and ``readers`` (n,) i32, which say nothing
outside this dataset. Its sha256 is the dataset's: the same dataset is always the same bytes. ``scans`` says where the
same slices lie as images, for a training that needs them.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from ictus.contracts.base import Contract
from ictus.domain.enums import Finding, HaemorrhageSubtype, Modality

DATASET_MEDIA_TYPE = "application/vnd.safetensors"


class Case(Contract):
    """A confirmed example: which slices of which result show what, and who says so."""

    case_id: UUID
    job_id: UUID
    study_id: UUID
    site_id: UUID
    modality: Modality
    volume_key: str | None = Field(description="S3 key of the de-identified volume, where it is known.")
    label: Finding
    subtype: HaemorrhageSubtype | None
    corrected: bool = Field(description="Readers decided against the model.")
    slices: tuple[int, ...] = Field(description="The slices that are learned from, of the volume.")
    usable: bool = Field(description="Its embeddings are stored, so a dataset can hold it.")
    model_version: str
    embedding_space: str
    verdict_ids: tuple[UUID, ...] = Field(description="The verdicts that decided, oldest first.")
    created_at: datetime


class CasePage(Contract):
    """Cases, newest first."""

    schema_version: Literal[1] = 1
    items: tuple[Case, ...]
    next_cursor: str | None


class CaseSummary(Contract):
    """What a training in one embedding space could learn from, before the cap on each reader's share."""

    schema_version: Literal[1] = 1
    embedding_space: str | None = Field(description="Null: over all spaces.")
    cases: int = Field(ge=0)
    corrected: int = Field(ge=0)
    new_cases: int = Field(
        ge=0, description="That the model in use has not learned from: not of the dataset asked with."
    )
    new_corrected: int = Field(ge=0)
    untried_cases: int = Field(ge=0, description="In no dataset yet: no training had them.")
    readers: int = Field(ge=0, description="Readers whose word made the cases.")
    oldest_new_at: datetime | None
    last_dataset_id: UUID | None
    last_dataset_at: datetime | None


class DatasetRequest(Contract):
    """Make a dataset of every usable case of one embedding space."""

    schema_version: Literal[1] = 1
    embedding_space: str = Field(min_length=1, max_length=128)
    learned: UUID | None = Field(
        default=None, description="The dataset that the model in use learned from: its cases are not new."
    )


class TrainingDataset(Contract):
    """A dataset version: made once and never changed. Cases that did not change give the same one again."""

    schema_version: Literal[1] = 1
    dataset_id: UUID
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the safetensors object.")
    embedding_space: str
    features: int = Field(ge=1)
    cases: int = Field(ge=1)
    slices: int = Field(ge=1)
    stroke_cases: int = Field(ge=0)
    normal_cases: int = Field(ge=0)
    corrected: int = Field(ge=0)
    new_cases: int = Field(ge=0, description="That the model in use had not learned from.")
    patients: int = Field(ge=1)
    readers: int = Field(ge=1)
    held_back: int = Field(ge=0, description="Cases left out because one reader's share would be too large.")
    created_at: datetime
    erased_cases: int = Field(
        ge=0, description="Cases erased since, with their studies: the dataset cannot be fetched any more."
    )


class CaseScan(Contract):
    """Where the images of one case lie, and which of its slices the dataset holds."""

    case: int = Field(ge=0, description="Its running number in the dataset.")
    volume_key: str | None = Field(
        description="S3 key of the de-identified volume; null: it is not known, for a case of an early version."
    )
    slices: tuple[int, ...] = Field(
        min_length=1, description="Ascending, as the dataset's rows of the case are."
    )


class DatasetScans(Contract):
    """The cases of a dataset in its order. Nothing in it says who a patient is."""

    schema_version: Literal[1] = 1
    items: tuple[CaseScan, ...]
