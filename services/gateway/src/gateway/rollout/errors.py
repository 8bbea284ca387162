"""How the rollout refuses."""

from typing import ClassVar

from ictus.domain.errors import ConflictError


class NoChallengerError(ConflictError):
    """A rollout needs a registered version that is not the champion."""

    code: ClassVar[str] = "no_challenger"
    title: ClassVar[str] = "Choose a registered version other than the one in use."
