"""What the handlers of DICOMweb share: who may read, the service, UIDs in addresses, answers."""

from typing import Annotated, Any, Final

from fastapi import Depends, Path, Request

from gateway.addresses import base_address
from gateway.auth.caller import Caller
from gateway.auth.models import Scope
from gateway.deps import API_PREFIX, DbSession, Settings, Store, requires
from gateway.dicomweb.attributes import Address
from gateway.dicomweb.service import DicomWeb
from ictus.domain.enums import Role

PREFIX: Final = "/dicomweb"
STUDY: Final = "/studies/{study_uid}"
SERIES: Final = STUDY + "/series/{series_uid}"
INSTANCE: Final = SERIES + "/instances/{sop_uid}"

JSON_ARRAY: Final[dict[str, Any]] = {"schema": {"type": "array", "items": {"type": "object"}}}

Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN, scope=Scope.STUDIES_READ)]
Uid = Annotated[
    str, Path(pattern=r"^[0-9.]{1,64}$", description="A UID: as it is stored, or as its sender wrote it.")
]


def address_below(request: Request, settings: Settings) -> Address:
    """Addresses of resources as the client of this request reaches them."""
    root = f"{base_address(request, settings)}{API_PREFIX}{PREFIX}"

    def address(*uids: str) -> str:
        levels = ("studies", "series", "instances")
        return root + "".join(f"/{level}/{uid}" for level, uid in zip(levels, uids, strict=False))

    return address


def _dicomweb(
    request: Request, caller: Reader, session: DbSession, settings: Settings, store: Store
) -> DicomWeb:
    uid_key = settings.uid_key.get_secret_value().encode()
    return DicomWeb(session, caller.site_id, uid_key, store, address_below(request, settings))


Dicom = Annotated[DicomWeb, Depends(_dicomweb)]
"""DICOMweb of the caller's site, for callers who may read studies."""
