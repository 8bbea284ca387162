"""Datasets: immutable, named by their content, and never the work of one reader."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import load, save

from feedback.datasets.export import safetensors
from feedback.datasets.shares import within_shares
from feedback.settings import Policy, TwoReaders
from ictus.contracts.cases import (
    DATASET_MEDIA_TYPE,
    CaseSummary,
    DatasetRequest,
    DatasetScans,
    TrainingDataset,
)
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding

from .conftest import FEATURES, embedding, judge, put

STROKE, NORMAL = Finding.STROKE, Finding.NORMAL
DATASETS = "/internal/v1/datasets"


@dataclass(frozen=True)
class GivenCase:
    reader_id: UUID
    corrected: bool
    case_id: UUID


def policy(*, share: float, floor: int) -> Policy:
    return Policy(TwoReaders.FLIPS, 0.98, 0.1, 5, share, floor)


def make(client: TestClient, space: str, learned: TrainingDataset | None = None) -> TrainingDataset:
    wish = DatasetRequest(embedding_space=space, learned=learned.dataset_id if learned else None)
    answer = client.post(DATASETS, content=wish.model_dump_json())
    assert answer.status_code == 200, answer.text
    return TrainingDataset.model_validate_json(answer.content)


def tensors(client: TestClient, dataset: TrainingDataset) -> dict[str, np.ndarray]:
    answer = client.get(f"{DATASETS}/{dataset.dataset_id}/embeddings")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == DATASET_MEDIA_TYPE
    assert hashlib.sha256(answer.content).hexdigest() == dataset.sha256
    return load(answer.content)


@pytest.fixture
def confirm(analysed: Callable[..., ReviewItem]) -> Callable[..., ReviewItem]:
    """Make a case of one space, read by a reader."""

    def one(
        client: TestClient, space: str, finding: Finding, direction: int = 0, **verdict: object
    ) -> ReviewItem:
        patient = verdict.pop("patient_ref", uuid4())
        item = analysed(direction, space=space, patient_ref=patient)
        put(client, item)
        judge(client, item, finding, **verdict)
        return item

    return one


def test_a_dataset_holds_each_used_slice_with_its_label_case_patient_and_reader(
    gateway: TestClient, trainer: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    space, patient, reader = uuid4().hex, uuid4(), str(uuid4())
    confirm(gateway, space, STROKE, 1, key_slices=[2, 5], patient_ref=patient, reader_id=reader)
    confirm(gateway, space, NORMAL, 2, reader_id=reader)
    confirm(gateway, space, STROKE, 3, key_slices=[8], patient_ref=patient)
    dataset = make(gateway, space)
    assert dataset == TrainingDataset(
        dataset_id=dataset.dataset_id,
        sha256=dataset.sha256,
        embedding_space=space,
        features=FEATURES,
        cases=3,
        slices=8,
        stroke_cases=2,
        normal_cases=1,
        corrected=2,
        new_cases=3,
        patients=2,
        readers=2,
        held_back=0,
        created_at=dataset.created_at,
        erased_cases=0,
    )
    found = tensors(trainer, dataset)
    assert {name: (tensor.dtype.name, tensor.shape) for name, tensor in found.items()} == {
        "embedding": ("float16", (8, FEATURES)),
        "labels": ("uint8", (8,)),
        "corrected": ("uint8", (8,)),
        "new": ("uint8", (8,)),
        "cases": ("int32", (8,)),
        "patients": ("int32", (8,)),
        "readers": ("int32", (8,)),
    }
    assert found["labels"].tolist() == [1, 1, 0, 0, 0, 0, 0, 1]
    assert found["cases"].tolist() == [0, 0, 1, 1, 1, 1, 1, 2]
    assert found["patients"].tolist() == [0, 0, 1, 1, 1, 1, 1, 0]
    assert found["readers"].tolist() == [0, 0, 0, 0, 0, 0, 0, 1]
    assert found["corrected"].tolist() == [1, 1, 0, 0, 0, 0, 0, 1]
    np.testing.assert_array_equal(
        found["embedding"],
        np.concatenate([embedding(1)[[2, 5]], embedding(2)[:5], embedding(3)[[8]]]),
    )


def test_the_same_cases_give_the_same_dataset_and_a_new_case_another(
    gateway: TestClient, trainer: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    space = uuid4().hex
    confirm(gateway, space, STROKE)
    first = make(gateway, space)
    assert make(gateway, space) == first
    confirm(gateway, space, NORMAL)
    second = make(gateway, space, first)
    assert make(gateway, space, first) == second
    assert (second.cases, second.new_cases) == (2, 1)
    assert tensors(trainer, second)["new"].tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert tensors(trainer, first)["new"].tolist() == [1, 1]  # the older version is still what it was
    assert TrainingDataset.model_validate_json(trainer.get(f"{DATASETS}/{first.dataset_id}").content) == first


def test_what_only_a_refused_or_taken_back_version_learned_from_is_new_again(
    gateway: TestClient, trainer: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    space = uuid4().hex
    confirm(gateway, space, STROKE)
    first = make(gateway, space)
    confirm(gateway, space, NORMAL)
    second = make(gateway, space, first)
    again = make(gateway, space)  # the model in use is again the one from before both
    assert again.dataset_id != second.dataset_id
    assert (again.cases, again.new_cases) == (2, 2)
    assert tensors(trainer, again)["new"].all()
    assert make(gateway, space) == again


def test_the_summary_counts_what_the_model_in_use_has_not_learned_from(
    gateway: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    space = uuid4().hex

    def summary(learned: TrainingDataset | None = None) -> CaseSummary:
        params = {"embedding_space": space} | ({"learned": str(learned.dataset_id)} if learned else {})
        return CaseSummary.model_validate_json(
            gateway.get("/internal/v1/cases/summary", params=params).content
        )

    assert (summary().cases, summary().oldest_new_at, summary().last_dataset_id) == (0, None, None)
    confirm(gateway, space, STROKE)
    confirm(gateway, space, NORMAL)
    before = summary()
    assert (before.cases, before.corrected, before.new_cases, before.new_corrected, before.readers) == (
        2,
        1,
        2,
        1,
        2,
    )
    assert before.oldest_new_at is not None
    dataset = make(gateway, space)
    assert (before.untried_cases, summary().untried_cases) == (2, 0)
    assert summary().new_cases == 2, "a dataset alone teaches nobody"
    after = summary(dataset)
    assert (after.cases, after.new_cases, after.new_corrected, after.oldest_new_at) == (2, 0, 0, None)
    assert (after.last_dataset_id, after.last_dataset_at) == (dataset.dataset_id, dataset.created_at)


def test_spaces_are_never_mixed(
    gateway: TestClient, trainer: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    ours, theirs = uuid4().hex, uuid4().hex
    confirm(gateway, ours, STROKE, 1)
    confirm(gateway, theirs, STROKE, 2)
    assert make(gateway, ours).cases == 1
    np.testing.assert_array_equal(tensors(trainer, make(gateway, theirs))["embedding"], embedding(2)[[3, 4]])


def test_the_trainer_is_told_where_the_images_of_each_row_lie(
    gateway: TestClient, trainer: TestClient, confirm: Callable[..., ReviewItem]
) -> None:
    space = uuid4().hex
    stroke = confirm(gateway, space, STROKE, 1, key_slices=[5, 2])
    normal = confirm(gateway, space, NORMAL, 2)
    dataset = make(gateway, space)
    path = f"{DATASETS}/{dataset.dataset_id}/scans"
    answer = trainer.get(path)
    assert answer.status_code == 200, answer.text
    scans = DatasetScans.model_validate_json(answer.content).items
    rows = tensors(trainer, dataset)["cases"].tolist()
    assert [scan.case for scan in scans for _ in scan.slices] == rows
    assert scans[0].slices == (2, 5)
    for scan, item in zip(scans, (stroke, normal), strict=True):
        assert scan.volume_key is not None
        assert scan.volume_key.startswith(f"studies/{item.study_id}/series/")
    assert (gateway.get(path).status_code, gateway.get(path).json()["code"]) == (403, "service_not_allowed")


def test_without_a_case_there_is_no_dataset(gateway: TestClient, trainer: TestClient) -> None:
    answer = gateway.post(DATASETS, json={"embedding_space": uuid4().hex})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_cases")
    for path in (f"{DATASETS}/{uuid4()}", f"{DATASETS}/{uuid4()}/embeddings", f"{DATASETS}/{uuid4()}/scans"):
        assert (trainer.get(path).status_code, trainer.get(path).json()["code"]) == (404, "not_found")


def test_one_reader_who_floods_the_pool_gives_no_more_than_their_share(
    serve: Callable[..., TestClient], confirm: Callable[..., ReviewItem]
) -> None:
    gateway, space, flooder = serve(reader_share=0.5, reader_floor=0), uuid4().hex, str(uuid4())
    for _ in range(7):
        confirm(gateway, space, STROKE, reader_id=flooder)
    for _ in range(3):
        confirm(gateway, space, NORMAL)
    dataset = make(gateway, space)
    assert (dataset.cases, dataset.stroke_cases, dataset.normal_cases, dataset.held_back) == (6, 3, 3, 4)
    readers = tensors(gateway, dataset)["readers"]
    by_case = dict(zip(tensors(gateway, dataset)["cases"].tolist(), readers.tolist(), strict=True))
    assert max(Counter(by_case.values()).values()) == 3


def test_a_case_counts_towards_whoever_said_it_first(
    serve: Callable[..., TestClient], analysed: Callable[..., ReviewItem]
) -> None:
    gateway, space, flooder = serve(reader_share=0.4, reader_floor=1), uuid4().hex, str(uuid4())
    for _ in range(4):
        item = analysed(space=space, disposition=Disposition.CONFIDENT)
        put(gateway, item)
        judge(gateway, item, STROKE, reader_id=flooder)
        judge(gateway, item, STROKE)
    assert make(gateway, space).cases == 1


@pytest.mark.parametrize(
    ("given", "share", "floor", "taken"),
    [
        ([10, 10, 10], 0.4, 0, [10, 10, 10]),
        ([100, 10], 0.5, 0, [10, 10]),
        ([100, 10], 0.5, 20, [20, 10]),
        ([100], 0.4, 20, [20]),
        ([5], 0.4, 20, [5]),
        ([100], 1.0, 0, [100]),
        ([100], 0.4, 0, [0]),
        ([1000, 40, 30, 30], 0.25, 0, [30, 30, 30, 30]),
        ([1000, 40, 30, 30], 0.4, 0, [66, 40, 30, 30]),
        ([], 0.4, 20, []),
    ],
)
def test_shares_let_through_as_much_as_they_can(
    given: list[int], share: float, floor: int, taken: list[int]
) -> None:
    readers = [uuid4() for _ in given]
    cases = [
        GivenCase(reader, corrected=number % 7 == 0, case_id=uuid4())
        for reader, count in zip(readers, given, strict=True)
        for number in range(count)
    ]
    chosen = within_shares(cases, policy(share=share, floor=floor))
    counts = Counter(case.reader_id for case in cases if case.case_id in chosen)
    assert [counts[reader] for reader in readers] == taken


def test_of_too_many_cases_corrections_are_taken_first_and_always_the_same_ones() -> None:
    reader = uuid4()
    cases = [GivenCase(reader, corrected=number < 5, case_id=uuid4()) for number in range(40)]
    chosen = within_shares(cases, policy(share=0.4, floor=10))
    assert {case.case_id for case in cases if case.corrected} < chosen
    assert within_shares(list(reversed(cases)), policy(share=0.4, floor=10)) == chosen


def test_what_is_written_is_what_safetensors_reads() -> None:
    written = {
        "numbers": np.arange(5, dtype="<i4"),
        "halves": np.linspace(-1, 1, 15).astype("<f2").reshape(5, 3),
        "flags": np.array([0, 1, 1, 0, 1], np.uint8),
    }
    found = load(safetensors(written))
    assert found.keys() == written.keys()
    for name, tensor in written.items():
        np.testing.assert_array_equal(found[name], tensor)
    assert load(save(found)).keys() == written.keys()
