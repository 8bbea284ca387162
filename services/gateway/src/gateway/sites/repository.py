"""The SQL of sites."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.sites.errors import SiteNotFoundError
from gateway.sites.models import Site


class SiteRepository:
    """Sites."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, site: Site) -> None:
        """Add a site; a name that is taken raises ``IntegrityError``."""
        self._session.add(site)
        self._session.flush()

    def delete(self, site: Site) -> None:
        """Delete a site; one that anything belongs to raises ``IntegrityError``."""
        self._session.delete(site)
        self._session.flush()

    def require(self, site_id: UUID | None) -> Site:
        """A site by id. Raises ``SiteNotFoundError``."""
        site = self._session.get(Site, site_id) if site_id is not None else None
        if site is None:
            raise SiteNotFoundError
        return site

    def by_name(self, name: str) -> Site | None:
        """A site by its exact name."""
        return self._session.scalar(select(Site).where(Site.name == name))

    def all(self) -> Sequence[Site]:
        """Every site by name."""
        return self._session.scalars(select(Site).order_by(Site.name)).all()
