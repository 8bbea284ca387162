"""Making and giving out datasets."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from feedback.datasets.errors import DatasetErasedError, NoCasesError
from feedback.datasets.export import dataset_bytes
from feedback.datasets.models import DatasetMember, DatasetRecord
from feedback.datasets.repository import DatasetRepository, hold_pool
from feedback.datasets.shares import within_shares
from feedback.settings import Policy
from ictus.contracts.cases import CaseScan, DatasetRequest, DatasetScans
from ictus.domain.enums import Finding
from ictus.domain.errors import NotFoundError
from ictus.domain.ids import new_id


class DatasetService:
    """Datasets within one transaction.

    Args:
        session: committed by the caller.
        policy: the installation's rules.
        clock: gives the present time, with its time zone.
    """

    def __init__(self, session: Session, policy: Policy, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._datasets = DatasetRepository(session)
        self._policy = policy
        self._clock = clock

    def make(self, request: DatasetRequest) -> DatasetRecord:
        """The dataset of every usable case of a space, within the readers' shares.

        It is the present one when that holds the same cases, and the same of them as new.

        Raises:
            NoCasesError: there is nothing to learn from.
        """
        hold_pool(self._session)
        space = request.embedding_space
        usable = self._datasets.usable_cases(space)
        chosen = within_shares(usable, self._policy)
        cases = [case for case in usable if case.case_id in chosen]
        if not cases:
            raise NoCasesError
        known = frozenset() if request.learned is None else self._datasets.members(request.learned)
        latest = self._datasets.latest(space)
        if latest is not None and self._holds(latest, chosen, chosen - known):
            return latest

        stroke_cases = sum(case.label is Finding.STROKE for case in cases)
        dataset = DatasetRecord(
            dataset_id=new_id(),
            sha256="",
            embedding_space=space,
            features=cases[0].features,
            cases=len(cases),
            slices=sum(len(case.slices) for case in cases),
            stroke_cases=stroke_cases,
            normal_cases=len(cases) - stroke_cases,
            corrected=sum(case.corrected for case in cases),
            new_cases=len(chosen - known),
            patients=len({case.patient_ref or case.study_id for case in cases}),
            readers=len({case.reader_id for case in cases}),
            held_back=len(usable) - len(cases),
            created_at=self._clock(),
            erased_cases=0,
        )
        self._session.add(dataset)
        self._session.flush()
        self._session.add_all(
            DatasetMember(
                dataset_id=dataset.dataset_id,
                position=position,
                case_id=case.case_id,
                is_new=case.case_id not in known,
            )
            for position, case in enumerate(cases)
        )
        self._session.flush()
        dataset.sha256 = hashlib.sha256(self._bytes(dataset)).hexdigest()
        return dataset

    def get(self, dataset_id: UUID) -> DatasetRecord:
        """A dataset. Raises ``NotFoundError``."""
        dataset = self._datasets.find(dataset_id)
        if dataset is None:
            raise NotFoundError
        return dataset

    def content(self, dataset_id: UUID) -> bytes:
        """The dataset's safetensors object.

        Raises:
            NotFoundError: there is no such dataset.
            DatasetErasedError: it held a study that was erased since.
        """
        return self._bytes(self._whole(dataset_id))

    def scans(self, dataset_id: UUID) -> DatasetScans:
        """Where the images of a dataset's slices lie.

        Raises:
            NotFoundError: there is no such dataset.
            DatasetErasedError: it held a study that was erased since.
        """
        cases = self._datasets.cases(self._whole(dataset_id).dataset_id)
        return DatasetScans(
            items=tuple(
                CaseScan(
                    case=number, volume_key=case.as_contract().volume_key, slices=tuple(sorted(case.slices))
                )
                for number, case in enumerate(cases)
            )
        )

    def _whole(self, dataset_id: UUID) -> DatasetRecord:
        dataset = self.get(dataset_id)
        if dataset.erased_cases:
            raise DatasetErasedError
        return dataset

    def _holds(self, dataset: DatasetRecord, cases: frozenset[UUID], new: frozenset[UUID]) -> bool:
        return (
            self._datasets.members(dataset.dataset_id) == cases
            and self._datasets.new_members(dataset.dataset_id) == new
        )

    def _bytes(self, dataset: DatasetRecord) -> bytes:
        return dataset_bytes(self._datasets.rows(dataset.dataset_id))
