"""Making, naming and deleting sites."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.sites.errors import SiteInUseError, SiteNameTakenError
from gateway.sites.models import Site
from gateway.sites.repository import SiteRepository
from ictus.domain.ids import new_id


class SiteService:
    """What administrators do with sites. The caller commits."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sites = SiteRepository(session)

    def list(self) -> Sequence[Site]:
        """Every site by name."""
        return self._sites.all()

    def create(self, name: str, now: datetime) -> Site:
        """Make a site. Raises ``SiteNameTakenError``."""
        site = Site(id=new_id(), name=name, created_at=now)
        try:
            self._sites.add(site)
        except IntegrityError:
            raise SiteNameTakenError from None
        return site

    def rename(self, site_id: UUID, name: str) -> Site:
        """Give a site another name. Raises ``SiteNotFoundError``, ``SiteNameTakenError``."""
        site = self._sites.require(site_id)
        site.name = name
        try:
            self._session.flush()
        except IntegrityError:
            raise SiteNameTakenError from None
        return site

    def delete(self, site_id: UUID) -> None:
        """Delete a site that nothing belongs to. Raises ``SiteNotFoundError``, ``SiteInUseError``."""
        site = self._sites.require(site_id)
        try:
            self._sites.delete(site)
        except IntegrityError:
            raise SiteInUseError from None
