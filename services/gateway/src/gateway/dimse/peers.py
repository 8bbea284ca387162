"""Which application entities may send, and what became of what they sent: for administrators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.audit.models import ActorKind
from gateway.auth.caller import Caller
from gateway.deps import AuditEntry, Clock, DbSession, Resources, api_router, audited, requires
from gateway.dimse.completion import discard
from gateway.dimse.models import DicomPeer, IncomingState, IncomingStudy
from gateway.dimse.spool import Spool
from gateway.paging import PageSize
from gateway.sites.errors import SiteNotFoundError
from gateway.sites.repository import SiteRepository
from ictus.domain.enums import Role
from ictus.domain.errors import ConflictError, NotFoundError
from ictus.domain.ids import new_id
from ictus.http import problems

Admin = Annotated[Caller, requires(Role.ADMIN)]
AeTitle = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[!-\[\]-~][ -\[\]-~]{0,15}$")]
"""PS3.5 table 6.2-1: at most 16 characters, no backslash, spaces at the ends mean nothing."""

peers = api_router("/admin/dicom-peers", tag="admin")
received = api_router("/admin/incoming-studies", tag="admin")


class PeerExistsError(ConflictError):
    """An AE title can send for one site only."""

    code: ClassVar[str] = "dicom_peer_exists"
    title: ClassVar[str] = "There is a DICOM peer with this AE title already."


class NotQuarantinedError(ConflictError):
    """Only what was refused can be tried again or discarded."""

    code: ClassVar[str] = "not_quarantined"
    title: ClassVar[str] = "This received study is not in quarantine (any more)."


class NewPeer(BaseModel):
    """A peer to let in."""

    ae_title: AeTitle
    site_id: UUID = Field(description="The site that its studies belong to.")


class Peer(BaseModel):
    """An application entity that may send by C-STORE."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    ae_title: str
    site_id: UUID
    created_at: datetime


class IncomingOut(BaseModel):
    """A study that was received by DICOM, and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: IncomingState
    sender_kind: ActorKind
    sender_id: UUID
    objects: int
    bytes: int
    first_received_at: datetime
    last_received_at: datetime
    code: str | None = Field(description="Why it is in quarantine, or waits.")
    detail: str | None = Field(description="The same in words.")
    study_id: UUID | None = Field(description="The study that it became.")


def let_in(session: Session, ae_title: str, site_id: UUID, by: UUID | None, now: datetime) -> DicomPeer:
    """Let an application entity send. Raises ``PeerExistsError``."""
    peer = DicomPeer(id=new_id(), ae_title=ae_title, site_id=site_id, created_by=by, created_at=now)
    session.add(peer)
    try:
        session.flush()
    except IntegrityError as error:
        raise PeerExistsError from error
    return peer


@peers.get("", dependencies=[requires(Role.ADMIN), audited("dicom_peer.list", "dicom_peer")])
def list_dicom_peers(session: DbSession) -> list[Peer]:
    """Every peer, by AE title."""
    found = session.scalars(select(DicomPeer).order_by(DicomPeer.ae_title))
    return [Peer.model_validate(peer) for peer in found]


@peers.post("", status_code=status.HTTP_201_CREATED, responses=problems(PeerExistsError, SiteNotFoundError))
def add_dicom_peer(
    wish: NewPeer,
    caller: Admin,
    session: DbSession,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("dicom_peer.create", "dicom_peer")],
) -> Peer:
    """Let an application entity send; from its next association on."""
    peer = let_in(
        session, wish.ae_title, SiteRepository(session).require(wish.site_id).id, caller.id, clock()
    )
    audit.object_id = peer.id
    return Peer.model_validate(peer)


@peers.delete(
    "/{dicom_peer_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[requires(Role.ADMIN), audited("dicom_peer.delete", "dicom_peer")],
    responses=problems(NotFoundError),
)
def remove_dicom_peer(dicom_peer_id: UUID, session: DbSession) -> None:
    """Let an application entity send no more; from its next association on."""
    peer = session.get(DicomPeer, dicom_peer_id)
    if peer is None:
        raise NotFoundError("There is no such DICOM peer.")
    session.delete(peer)


@received.get("", dependencies=[audited("incoming_study.list", "incoming_study")])
def list_incoming_studies(
    caller: Admin, session: DbSession, state: IncomingState | None = None, limit: PageSize = 50
) -> list[IncomingOut]:
    """What the site received by DICOM in the last 30 days, the latest first; `state=quarantined`: what was refused."""
    query = select(IncomingStudy).where(IncomingStudy.site_id == caller.site_id)
    if state is not None:
        query = query.where(IncomingStudy.state == state)
    found: Sequence[IncomingStudy] = session.scalars(
        query.order_by(IncomingStudy.first_received_at.desc(), IncomingStudy.id).limit(limit)
    ).all()
    return [IncomingOut.model_validate(one) for one in found]


@received.post(
    "/{incoming_study_id}/retry",
    responses=problems(NotFoundError, NotQuarantinedError),
    dependencies=[audited("incoming_study.retry", "incoming_study")],
)
def retry_incoming_study(
    incoming_study_id: UUID, caller: Admin, session: DbSession, clock: Clock
) -> IncomingOut:
    """Read a refused study once more."""
    incoming = _quarantined(session, caller, incoming_study_id)
    incoming.state, incoming.next_try_at, incoming.tries = IncomingState.ACCEPTING, clock(), 0
    session.flush()
    return IncomingOut.model_validate(incoming)


@received.delete(
    "/{incoming_study_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFoundError, NotQuarantinedError),
    dependencies=[audited("incoming_study.discard", "incoming_study")],
)
def discard_incoming_study(
    incoming_study_id: UUID, caller: Admin, session: DbSession, resources: Resources
) -> None:
    """Remove the files of a refused study for good."""
    discard(Spool(resources), _quarantined(session, caller, incoming_study_id))


def _quarantined(session: Session, caller: Caller, incoming_id: UUID) -> IncomingStudy:
    incoming = session.get(IncomingStudy, incoming_id, with_for_update=True)
    if incoming is None or incoming.site_id != caller.site_id:
        raise NotFoundError("There is no such received study.")
    if incoming.state is not IncomingState.QUARANTINED:
        raise NotQuarantinedError
    return incoming


router = APIRouter()
router.include_router(peers)
router.include_router(received)
