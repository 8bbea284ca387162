"""What readers' verdicts on one result come to: who must still read it, and what is decided."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from feedback.settings import Policy, TwoReaders
from ictus.contracts.reviews import ReviewItem, Verdict
from ictus.domain.enums import Disposition, Finding, HaemorrhageSubtype, ReviewState, SecondReaderReason


@dataclass(frozen=True)
class Decision:
    """Where a review stands.

    Attributes:
        state: of the review.
        reason: why a second reader is needed; None where one is enough.
        finding: what was decided, when ``state`` is final; None then says that the images allow no finding.
        subtype: of a stroke, where a majority of the deciding readers named one.
        deciding: the verdicts that the decision rests on, oldest first.
    """

    state: ReviewState
    reason: SecondReaderReason | None = None
    finding: Finding | None = None
    subtype: HaemorrhageSubtype | None = None
    deciding: tuple[Verdict, ...] = ()


def state_at_first(item: ReviewItem) -> ReviewState:
    """Where the review of a new result stands."""
    return ReviewState.OPTIONAL if item.disposition is Disposition.CONFIDENT else ReviewState.OPEN


def contradicts_near_certainty(item: ReviewItem, finding: Finding | None, policy: Policy) -> bool:
    """Whether a reader says the contrary of what the model was all but certain of."""
    return (
        finding is not None
        and item.finding is not None
        and finding is not item.finding
        and item.confidence is not None
        and item.confidence >= policy.outlier_confidence
    )


def decide(item: ReviewItem, verdicts: Sequence[Verdict], policy: Policy, *, is_outlier: bool) -> Decision:
    """Where a review stands after these verdicts.

    One reader decides unless a rule asks for a second; two who agree decide; of three or more, a majority does.

    Args:
        item: the result.
        verdicts: of different readers, oldest first; at least one.
        policy: the installation's rules.
        is_outlier: whether one of them contradicts near certainty and nothing that looks alike supports it.
    """
    reason = _second_reader_reason(item, verdicts, policy, is_outlier=is_outlier)
    if len(verdicts) == 1:
        if reason is not None:
            return Decision(ReviewState.SECOND_READER, reason)
        return _decided(verdicts[0].finding, verdicts, reason)
    finding, votes = Counter(verdict.finding for verdict in verdicts).most_common(1)[0]
    if votes * 2 <= len(verdicts):
        return Decision(ReviewState.CONFLICT, reason)
    return _decided(finding, verdicts, reason)


def _second_reader_reason(
    item: ReviewItem, verdicts: Sequence[Verdict], policy: Policy, *, is_outlier: bool
) -> SecondReaderReason | None:
    if is_outlier:
        return SecondReaderReason.OUTLIER
    if policy.two_readers is TwoReaders.ALWAYS:
        return SecondReaderReason.EVERY_RESULT
    if policy.two_readers is TwoReaders.FLIPS and any(_flips(item, verdict) for verdict in verdicts):
        return SecondReaderReason.FLIPS_CONFIDENT_RESULT
    return None


def _flips(item: ReviewItem, verdict: Verdict) -> bool:
    """Whether a verdict would make a training case of the contrary of a confident result."""
    return (
        item.disposition is Disposition.CONFIDENT
        and verdict.finding is not None
        and verdict.finding is not item.finding
        and not verdict.excluded_from_training
    )


def _decided(
    finding: Finding | None, verdicts: Sequence[Verdict], reason: SecondReaderReason | None
) -> Decision:
    deciding = tuple(verdict for verdict in verdicts if verdict.finding is finding)
    subtypes = Counter(verdict.subtype for verdict in deciding if verdict.subtype is not None).most_common(1)
    subtype = subtypes[0][0] if subtypes and subtypes[0][1] * 2 > len(deciding) else None
    return Decision(ReviewState.FINAL, reason, finding, subtype, deciding)
