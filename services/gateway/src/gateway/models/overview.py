"""All registered versions at a glance, with the champion and its challenger side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.models.errors import ModelNotFoundError
from gateway.models.evaluation import measured, on_test_set
from gateway.models.registry import ModelRegistry
from gateway.models.releases import ReleaseService, champions_before
from gateway.models.schemas import CurrentModel
from gateway.models.versions import (
    ComparedFigure,
    Measured,
    ModelDetail,
    ModelOverview,
    ModelVersionOut,
)
from gateway.trainings.models import Training, TrainingApproval
from gateway.trainings.repository import TrainingRepository
from gateway.trainings.service import TrainingService
from ictus.domain.enums import TrainingState

if TYPE_CHECKING:  # its client takes seconds to import
    from ictus.registry import RegisteredVersion

_LATEST_RELEASES: Final = 20
_MAY_BE_PROMOTED: Final = frozenset({TrainingState.AWAITING_APPROVAL, TrainingState.PUBLISHED})


class VersionReader:
    """What is known of versions: the registry's word joined with the trainings and releases of this installation.

    Args:
        session: read only.
        releases: of this installation.
        approvals_needed: administrators who must approve a version.
    """

    def __init__(self, session: Session, releases: ReleaseService, approvals_needed: int) -> None:
        self._trainings = TrainingRepository(session)
        self._releases = releases
        self._registry: ModelRegistry = releases.registry
        self._approvals_needed = approvals_needed

    def overview(self) -> ModelOverview:
        """Every version, newest first. Raises ``UnavailableError`` when the registry does not answer."""
        registered = self._registry.described_versions()
        champion = next((one.version for one in registered if "champion" in one.aliases), None)
        versions = self._described(registered, champion)
        challenger = next((one.version for one in versions if "challenger" in one.aliases), None)
        challenger = challenger or next(
            (one.version for one in versions if one.training_state is TrainingState.AWAITING_APPROVAL), None
        )
        history = self._releases.history()
        earlier = champions_before(history, champion)
        comparison = self._compared(versions, champion, challenger)
        return ModelOverview(
            champion=champion,
            challenger=challenger,
            rollback_target=earlier[-1] if champion is not None and earlier else None,
            approvals_needed=self._approvals_needed,
            comparison=comparison,
            compared_patients=next(
                (one.measured.test_patients for one in versions if comparison and one.version == champion),
                None,
            ),
            versions=versions,
            releases=self._releases.described(history[-_LATEST_RELEASES:][::-1]),
        )

    def detail(self, version: str, trainings: TrainingService) -> ModelDetail:
        """One version. Raises ``ModelNotFoundError``, ``ModelRefusedError``, ``UnavailableError``."""
        registered = self._registry.described_versions()
        champion = next((one.version for one in registered if "champion" in one.aliases), None)
        wanted = next((one for one in self._described(registered, champion) if one.version == version), None)
        if wanted is None:
            raise ModelNotFoundError
        training = self._trainings.of_candidate(version)
        return ModelDetail(
            registered=wanted,
            description=CurrentModel.of(self._registry.manifest(version), wanted.registered_at),
            training=trainings.described([training])[0] if training else None,
        )

    def _described(
        self, registered: Sequence["RegisteredVersion"], champion: str | None
    ) -> list[ModelVersionOut]:
        made = self._trainings.of_candidates([one.version for one in registered])
        approvals = self._trainings.approvals_of([training.id for training in made.values()])
        history = self._releases.history()
        once = {version for one in history for version in (one.version, one.previous)} - {champion}
        known = {one.version: one for one in registered}
        return [
            self._version(
                one,
                made.get(one.version),
                approvals,
                champion,
                measured(one.version, known, made),
                was_champion=one.version in once,
            )
            for one in registered
        ]

    def _version(
        self,
        registered: "RegisteredVersion",
        training: Training | None,
        approvals: Mapping[UUID, list[TrainingApproval]],
        champion: str | None,
        measured_on: Measured,
        *,
        was_champion: bool,
    ) -> ModelVersionOut:
        given = len(approvals[training.id]) if training else 0
        gate = registered.gate
        if training is not None and training.gate is not None:
            gate = "passed" if training.gate["passed"] else "refused"
        return ModelVersionOut.model_validate(
            {
                "version": registered.version,
                "sha256": registered.sha256,
                "registered_at": registered.registered_at,
                "aliases": sorted(registered.aliases & {"champion", "challenger"}),
                "gate": gate if gate in {"passed", "refused"} else None,
                "training_id": training.id if training else None,
                "training_state": training.state if training else None,
                "approvals": given,
                "can_be_promoted": (
                    training is not None
                    and registered.version != champion
                    and training.state in _MAY_BE_PROMOTED
                    and training.base_version == champion
                    and given >= self._approvals_needed
                ),
                "can_be_rolled_back_to": was_champion,
                "figures": registered.figures,
                "measured": measured_on,
            }
        )

    def _compared(
        self, versions: Sequence[ModelVersionOut], champion: str | None, challenger: str | None
    ) -> list[ComparedFigure]:
        """Their figures on the frozen test set, if it is the same one."""
        by_name = {one.version: one.measured for one in versions}
        if champion is None or challenger is None or by_name[champion].test_set is None:
            return []
        if by_name[champion].test_set != by_name[challenger].test_set:
            return []
        of_champion, of_challenger = (
            on_test_set(self._registry.manifest(one), own_is_test=by_name[one].on_test_set)
            for one in (champion, challenger)
        )
        return [
            ComparedFigure(
                level=figure.level, name=figure.name, champion=figure, challenger=of_challenger[key]
            )
            for key, figure in of_champion.items()
            if key in of_challenger
        ]
