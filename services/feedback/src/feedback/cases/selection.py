"""Which decided results become cases, and which of their slices are learned from."""

import hashlib
from typing import Final
from uuid import UUID

from feedback.reviews.policy import Decision
from feedback.settings import Policy
from ictus.contracts.reviews import ReviewItem
from ictus.domain.enums import Disposition, Finding

_MOST_SLICES: Final = 32


def becomes_case(item: ReviewItem, decision: Decision, policy: Policy) -> bool:
    """Whether a decided result is learned from.

    Every confirmed error is, and everything that the model was not confident of; of the confident results that readers
    confirmed, a share. Not: what readers could not tell or kept out, input that no model is validated for, and results
    without embeddings.
    """
    if decision.finding is None or any(verdict.excluded_from_training for verdict in decision.deciding):
        return False
    if item.disposition is Disposition.NOT_VALIDATED or not item.embedding_key or not item.embedding_space:
        return False
    is_success = item.disposition is Disposition.CONFIDENT and decision.finding is item.finding
    return not is_success or is_sampled(item.job_id, policy.success_share)


def is_sampled(job_id: UUID, share: float) -> bool:
    """Whether a confirmed success is in the sample: the same answer for the same job, for ``share`` of all jobs."""
    digest = hashlib.sha256(job_id.bytes).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def slices_to_learn(item: ReviewItem, decision: Decision, policy: Policy) -> tuple[int, ...]:
    """Indices of the slices that show the decided finding, ascending; none where nobody can say which do.

    Of a stroke those that the deciding readers marked, else those that the model went by. Of a normal study those that
    the model found most suspicious, evenly spread ones where it scored none.
    """
    if decision.finding is Finding.STROKE:
        marked = {
            index
            for verdict in decision.deciding
            for index in (*verdict.key_slices, *(region.slice_index for region in verdict.regions))
        }
        return tuple(sorted(marked or item.key_slices)[:_MOST_SLICES])
    scored = [(score, index) for index, score in enumerate(item.slice_scores) if score is not None]
    if scored:
        highest = sorted(scored, key=lambda one: (-one[0], one[1]))[: policy.normal_slices]
        return tuple(sorted(index for _, index in highest))
    count = len(item.slice_scores)
    wanted = min(policy.normal_slices, count)
    return tuple(count * (2 * position + 1) // (2 * wanted) for position in range(wanted))
