"""``/internal/v1/datasets``: what the gateway has made and the trainer fetches."""

from uuid import UUID

from fastapi import APIRouter, Response

from feedback.callers import GATEWAY, TRAINER, only
from feedback.cases.service import CaseService
from feedback.datasets.errors import DatasetErasedError, NoCasesError
from feedback.datasets.service import DatasetService
from feedback.deps import Clock, DbSession, Objects, PolicyInForce
from ictus.contracts.cases import DATASET_MEDIA_TYPE, DatasetRequest, DatasetScans, TrainingDataset
from ictus.domain.errors import NotFoundError
from ictus.http import problems

router = APIRouter(prefix="/datasets", tags=["datasets"])


@router.post("", summary="Make a dataset", dependencies=[only(GATEWAY)], responses=problems(NoCasesError))
def make_dataset(
    request: DatasetRequest, session: DbSession, objects: Objects, policy: PolicyInForce, clock: Clock
) -> TrainingDataset:
    """Every usable case of an embedding space, within the readers' shares; the present one when nothing changed."""
    CaseService(session, policy).complete_waiting(objects)
    return DatasetService(session, policy, clock).make(request).as_contract()


@router.get(
    "/{dataset_id}",
    summary="Read a dataset's description",
    dependencies=[only(GATEWAY, TRAINER)],
    responses=problems(NotFoundError),
)
def read_dataset(
    dataset_id: UUID, session: DbSession, policy: PolicyInForce, clock: Clock
) -> TrainingDataset:
    """What a dataset holds, in numbers."""
    return DatasetService(session, policy, clock).get(dataset_id).as_contract()


@router.get(
    "/{dataset_id}/embeddings",
    summary="Fetch a dataset",
    dependencies=[only(GATEWAY, TRAINER)],
    response_class=Response,
    responses=problems(NotFoundError, DatasetErasedError),
)
def fetch_dataset(dataset_id: UUID, session: DbSession, policy: PolicyInForce, clock: Clock) -> Response:
    """The dataset as safetensors (``ictus.contracts.cases``); its sha256 is the dataset's."""
    content = DatasetService(session, policy, clock).content(dataset_id)
    return Response(content, media_type=DATASET_MEDIA_TYPE)


@router.get(
    "/{dataset_id}/scans",
    summary="Say where a dataset's images lie",
    dependencies=[only(TRAINER)],
    responses=problems(NotFoundError, DatasetErasedError),
)
def read_scans(dataset_id: UUID, session: DbSession, policy: PolicyInForce, clock: Clock) -> DatasetScans:
    """The de-identified volume of each case and the slices that the dataset holds of it."""
    return DatasetService(session, policy, clock).scans(dataset_id)
