"""Confirmed cases: which results become one, what of them is learned from, and where it came from."""

from collections.abc import Callable
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save
from sqlalchemy import select

from feedback.cases.embeddings import EmbeddingsDamagedError, read_embeddings
from feedback.cases.models import CaseSlice
from feedback.cases.selection import is_sampled
from feedback.database import create_feedback_engine
from ictus.contracts.cases import Case, CasePage, CaseSummary
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding, HaemorrhageSubtype, ReviewState
from ictus.storage import ObjectStore
from ictus.storage.keys import volume_key
from ictus.storage.object_store import ObjectMissingError

from .conftest import SPACE, embedding, judge, put

STROKE, NORMAL = Finding.STROKE, Finding.NORMAL
Analysed = Callable[..., ReviewItem]


def cases(client: TestClient, item: ReviewItem, **params: object) -> list[Case]:
    answer = client.get("/internal/v1/cases", params={"site_id": str(item.site_id), **params})
    assert answer.status_code == 200, answer.text
    return list(CasePage.model_validate_json(answer.content).items)


def summary(client: TestClient, space: str) -> CaseSummary:
    answer = client.get("/internal/v1/cases/summary", params={"embedding_space": space})
    assert answer.status_code == 200, answer.text
    return CaseSummary.model_validate_json(answer.content)


def stored_slices(database: str, case_id: UUID) -> dict[int, np.ndarray]:
    engine = create_feedback_engine(database)
    query = select(CaseSlice.slice_index, CaseSlice.embedding).where(CaseSlice.case_id == case_id)
    with engine.connect() as connection:
        found = {index: values for index, values in connection.execute(query)}
    engine.dispose()
    return found


def test_a_confirmed_error_becomes_a_case_with_its_provenance_and_embeddings(
    gateway: TestClient, analysed: Analysed, migrated_database: str
) -> None:
    item = analysed(3, disposition=Disposition.CONFIDENT)
    put(gateway, item)
    judge(gateway, item, STROKE, key_slices=[7], subtype="subdural")
    assert cases(gateway, item) == []  # one reader alone flips nothing
    region = {"slice_index": 6, "points": [[0, 0], [4, 0], [4, 4]]}
    review = judge(gateway, item, STROKE, key_slices=[5, 7], regions=[region], subtype="subdural")
    (case,) = cases(gateway, item)
    assert case == Case(
        case_id=case.case_id,
        job_id=item.job_id,
        study_id=item.study_id,
        site_id=item.site_id,
        modality=item.modality,
        volume_key=volume_key(item.study_id, item.series_id or uuid4()),
        label=STROKE,
        subtype=HaemorrhageSubtype.SUBDURAL,
        corrected=True,
        slices=(5, 6, 7),
        usable=True,
        model_version="starter-1",
        embedding_space=SPACE,
        verdict_ids=tuple(verdict.verdict_id for verdict in review.verdicts),
        created_at=case.created_at,
    )
    kept = stored_slices(migrated_database, case.case_id)
    assert sorted(kept) == [5, 6, 7]
    for index, values in kept.items():
        assert values.dtype == np.float16
        np.testing.assert_array_equal(values, embedding(3)[index])


def test_the_readers_who_were_outvoted_are_no_provenance(gateway: TestClient, analysed: Analysed) -> None:
    item = analysed(disposition=Disposition.CONFIDENT)
    put(gateway, item)
    judge(gateway, item, STROKE, key_slices=[2])
    judge(gateway, item, NORMAL)
    review = judge(gateway, item, STROKE, key_slices=[4])
    (case,) = cases(gateway, item)
    assert case.slices == (2, 4)
    assert case.verdict_ids == (review.verdicts[0].verdict_id, review.verdicts[2].verdict_id)


@pytest.mark.parametrize(
    ("finding", "marks", "changes", "slices"),
    [
        (STROKE, [], {}, (3, 4)),  # nobody marked: those that the model went by
        (NORMAL, [], {"slice_scores": (0.1, 0.4, None, 0.2, 0.3, 0.05, 0.25)}, (1, 3, 4, 6, 0)),
        (NORMAL, [], {"slice_scores": (None,) * 12}, (1, 3, 6, 8, 10)),
    ],
)
def test_the_slices_that_show_the_finding_are_learned_from(
    gateway: TestClient,
    analysed: Analysed,
    finding: Finding,
    marks: list[int],
    changes: dict[str, object],
    slices: tuple[int, ...],
) -> None:
    item = analysed(finding=STROKE, stroke_probability=0.6, **changes)
    put(gateway, item)
    judge(gateway, item, finding, key_slices=marks)
    (case,) = cases(gateway, item)
    assert case.slices == tuple(sorted(slices))


def test_what_cannot_or_must_not_be_learned_from_becomes_no_case(
    gateway: TestClient, analysed: Analysed
) -> None:
    unreadable, kept_out, not_validated, without_embeddings, unmarked = (
        analysed(),
        analysed(),
        analysed(disposition=Disposition.NOT_VALIDATED, finding=None),
        analysed().model_copy(update={"embedding_key": None}),
        analysed(key_slices=()),
    )
    for item in (unreadable, kept_out, not_validated, without_embeddings, unmarked):
        put(gateway, item)
    judge(gateway, unreadable, None)
    judge(gateway, kept_out, STROKE, excluded_from_training=True, exclusion_reason="Metal artefact.")
    for item in (not_validated, without_embeddings, unmarked):
        assert judge(gateway, item, STROKE).state is ReviewState.FINAL
    assert cases(gateway, unreadable) == []


def test_confirmed_successes_are_sampled_by_a_hash_and_uncertain_results_always_kept(
    serve: Callable[..., TestClient], analysed: Analysed
) -> None:
    gateway = serve(success_share=0.5)
    successes = [analysed(disposition=Disposition.CONFIDENT) for _ in range(12)]
    uncertain = analysed()
    for item in (*successes, uncertain):
        put(gateway, item)
        judge(gateway, item, NORMAL)
    found = {case.job_id: case for case in cases(gateway, uncertain)}
    sampled = {item.job_id for item in successes if is_sampled(item.job_id, 0.5)}
    assert found.keys() == sampled | {uncertain.job_id}
    assert not any(case.corrected for case in found.values())


def test_a_sample_holds_its_share_and_a_larger_one_holds_the_smaller() -> None:
    jobs = [uuid4() for _ in range(4000)]
    tenth, half = ({job for job in jobs if is_sampled(job, share)} for share in (0.1, 0.5))
    assert 300 < len(tenth) < 500
    assert 1850 < len(half) < 2150
    assert tenth < half
    assert not any(is_sampled(job, 0.0) for job in jobs)
    assert all(is_sampled(job, 1.0) for job in jobs)


def test_a_verdict_does_not_wait_for_the_object_store_and_its_case_does(
    serve: Callable[..., TestClient], gateway: TestClient, analysed: Analysed
) -> None:
    space = "waiting" + uuid4().hex
    item = analysed(space=space)
    cut_off = serve(s3_endpoint="127.0.0.1:1")
    put(cut_off, item)
    assert judge(cut_off, item, STROKE).state is ReviewState.FINAL
    (case,) = cases(cut_off, item)
    assert case.usable is False
    assert summary(cut_off, space).cases == 0
    assert summary(gateway, space).new_corrected == 1
    (case,) = cases(gateway, item)
    assert case.usable is True


def test_a_case_whose_embeddings_are_gone_or_damaged_is_never_used(
    gateway: TestClient, analysed: Analysed, objects: ObjectStore
) -> None:
    space = "damaged" + uuid4().hex
    gone = analysed(space=space).model_copy(update={"embedding_key": "studies/none/embedding.safetensors"})
    damaged, short = analysed(space=space), analysed(space=space)
    objects.put_bytes(str(damaged.embedding_key), b"no tensors at all")
    objects.put_bytes(str(short.embedding_key), save({"embedding": np.ones((2, 24), np.float16)}))
    for item in (gone, damaged, short):
        put(gateway, item)
        judge(gateway, item, STROKE)
    for _ in range(2):
        assert summary(gateway, space).cases == 0
    assert [case.usable for case in cases(gateway, gone)] == [False, False, False]


def test_pages_of_cases_hold_each_once_newest_first(gateway: TestClient, analysed: Analysed) -> None:
    items = [analysed() for _ in range(5)]
    for item in items:
        put(gateway, item)
        judge(gateway, item, STROKE)
    seen: list[UUID] = []
    cursor = None
    while True:
        params = {"site_id": str(items[0].site_id), "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = CasePage.model_validate_json(gateway.get("/internal/v1/cases", params=params).content)
        seen += [case.job_id for case in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [item.job_id for item in reversed(items)]


class Kept:
    """An object store that holds one object and notes what was read of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.read = 0

    def get_range(self, _key: str, offset: int, length: int) -> bytes:
        part = self.content[offset : offset + length]
        self.read += len(part)
        return part


def test_of_an_embedding_object_only_the_embedding_is_fetched() -> None:
    heatmap = np.ones((40, 64, 64), np.float32)
    kept = Kept(save({"heatmap": heatmap, "embedding": embedding(5)}))
    np.testing.assert_array_equal(read_embeddings(kept, "key").values, embedding(5))
    assert kept.read < 6000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        (3).to_bytes(8, "little") + b"{]}",
        save({"other": np.ones((2, 2), np.float16)}),
        save({"embedding": np.ones((2, 2), np.float32)}),
        save({"embedding": np.full((2, 2), np.nan, np.float16)}),
        save({"embedding": np.ones(4, np.float16)}),
        save({"embedding": np.ones((4, 8), np.float16)})[:-2],
    ],
)
def test_an_object_that_no_worker_wrote_is_refused(content: bytes) -> None:
    with pytest.raises(EmbeddingsDamagedError):
        read_embeddings(Kept(content), "key")


def test_a_missing_object_is_told_from_a_damaged_one(objects: ObjectStore) -> None:
    with pytest.raises(ObjectMissingError):
        read_embeddings(objects, "studies/none/embedding.safetensors")
