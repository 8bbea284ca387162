"""Which version answers a study, and which studies both versions are asked about. Nothing here is stored."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from gateway.rollout.models import Rollout
from ictus.domain.enums import RolloutMode

_RANGE = 2**64


def is_in_share(study_id: UUID, share: float) -> bool:
    """Whether a study belongs to this share (0..1) of all; always the same answer, and kept when the share grows."""
    place = int.from_bytes(hashlib.sha256(study_id.bytes).digest()[:8], "big")
    return place < share * _RANGE


def canary_version(rollout: Rollout | None, study_id: UUID) -> str | None:
    """The challenger when it is to answer this study; None for the champion."""
    if rollout is None or rollout.mode is not RolloutMode.CANARY or not is_in_share(study_id, rollout.share):
        return None
    return rollout.challenger


@dataclass(frozen=True)
class SecondOpinion:
    """The other version is to be asked too, unseen. ``version`` None: the champion."""

    version: str | None


def second_opinion(rollout: Rollout | None, study_id: UUID, answered_by: str) -> SecondOpinion | None:
    """Who else is asked about a study, now that a version has answered it; None for nobody.

    Shadow: the challenger, about its share of what the champion answered. Canary: the champion, about what the
    challenger answered, so that a canary has its comparison too.
    """
    if rollout is None:
        return None
    if rollout.mode is RolloutMode.SHADOW and answered_by == rollout.champion:
        return SecondOpinion(rollout.challenger) if is_in_share(study_id, rollout.share) else None
    if rollout.mode is RolloutMode.CANARY and answered_by == rollout.challenger:
        return SecondOpinion(rollout.champion)
    return None
