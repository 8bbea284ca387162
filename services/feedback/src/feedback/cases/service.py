"""Making cases of what readers decided, and looking for confirmed ones that look alike."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import structlog
from sqlalchemy.orm import Session

from feedback.cases.embeddings import EmbeddingsDamagedError, ReadsObjects, SliceEmbeddings, read_embeddings
from feedback.cases.models import CaseRecord, CaseSlice, EmbeddingState
from feedback.cases.repository import CaseRepository
from feedback.cases.selection import becomes_case, slices_to_learn
from feedback.reviews.policy import Decision
from feedback.settings import Policy
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Finding
from ictus.domain.errors import IctusError
from ictus.domain.ids import new_id
from ictus.storage.object_store import ObjectMissingError

_NEIGHBOURS: Final = 5
_COMPLETED_AT_ONCE: Final = 50
_log = structlog.get_logger(__name__)


class CaseService:
    """Cases within one transaction.

    Args:
        session: committed by the caller.
        policy: the installation's rules.
    """

    def __init__(self, session: Session, policy: Policy) -> None:
        self._session = session
        self._cases = CaseRepository(session)
        self._policy = policy

    def make(
        self, item: ReviewItem, decision: Decision, embeddings: SliceEmbeddings | None, now: datetime
    ) -> None:
        """Make a case of a decided result, if it is to be learned from.

        Without embeddings now, the case waits for them (``complete_waiting``).
        """
        if not becomes_case(item, decision, self._policy):
            return
        slices = slices_to_learn(item, decision, self._policy)
        if not slices:
            return
        assert decision.finding is not None  # noqa: S101  becomes_case looked
        case = CaseRecord(
            case_id=new_id(),
            job_id=item.job_id,
            study_id=item.study_id,
            site_id=item.site_id,
            series_id=item.series_id,
            modality=item.modality,
            label=decision.finding,
            subtype=decision.subtype,
            corrected=decision.finding is not item.finding,
            slices=list(slices),
            model_version=item.model_version,
            embedding_space=item.embedding_space,
            embedding_key=item.embedding_key,
            embedding_state=EmbeddingState.WAITING,
            patient_ref=item.patient_ref,
            reader_id=decision.deciding[0].reader_id,
            verdict_ids=[verdict.verdict_id for verdict in decision.deciding],
            created_at=now,
        )
        self._session.add(case)
        self._session.flush()
        if embeddings is not None:
            self._store(case, embeddings)

    def complete_waiting(self, objects: ReadsObjects) -> None:
        """Fetch the embeddings of cases that wait for them, as far as the object store answers now."""
        for case in self._cases.waiting(_COMPLETED_AT_ONCE):
            try:
                self._store(case, read_embeddings(objects, case.embedding_key))
            except (ObjectMissingError, EmbeddingsDamagedError) as error:
                _log.warning("case_without_embeddings", case_id=str(case.case_id), code=error.code)
                case.embedding_state = EmbeddingState.MISSING
            except IctusError as error:
                _log.warning("case_waits_for_embeddings", case_id=str(case.case_id), code=error.code)
                break  # the others would only wait for the same silence
        self._session.flush()

    def alike_support(self, item: ReviewItem, finding: Finding, embeddings: SliceEmbeddings | None) -> bool:
        """Whether most of the confirmed slices that look most like this result's show ``finding``.

        Not when there are none to compare with, or when the embeddings cannot be had.
        """
        rows = None if embeddings is None else embeddings.of(item.key_slices or _all(embeddings))
        if rows is None or item.embedding_space is None:
            return False
        mean = rows.astype(np.float32).mean(axis=0).astype(np.float16)
        labels = self._cases.nearest_labels(item.embedding_space, mean, item.study_id, _NEIGHBOURS)
        return _mostly(labels, finding)

    def _store(self, case: CaseRecord, embeddings: SliceEmbeddings) -> None:
        rows = embeddings.of(tuple(case.slices))
        if rows is None:
            case.embedding_state = EmbeddingState.MISSING
            return
        self._session.add_all(
            CaseSlice(case_id=case.case_id, slice_index=index, embedding=row)
            for index, row in zip(case.slices, rows, strict=True)
        )
        case.embedding_state, case.features = EmbeddingState.STORED, embeddings.features


def _all(embeddings: SliceEmbeddings) -> tuple[int, ...]:
    return tuple(range(len(embeddings.values)))


def _mostly(labels: Sequence[Finding], finding: Finding) -> bool:
    return labels.count(finding) * 2 > len(labels)
