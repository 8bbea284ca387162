"""Retrieving (WADO-RS, PS3.18 10.4): files, metadata, frames, bulk data, pictures."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from gateway.deps import AuditEntry, api_router, audited
from gateway.dicomweb.deps import INSTANCE, JSON_ARRAY, PREFIX, SERIES, STUDY, Dicom, Uid
from gateway.dicomweb.errors import NotAcceptableError, QueryMalformedError
from gateway.dicomweb.media import (
    DICOM,
    DICOM_JSON,
    OCTETS,
    Part,
    accepted_by,
    multipart,
    picture_type,
    wants_single,
)
from gateway.dicomweb.rendering import THUMBNAIL_PIXELS, viewport_of
from gateway.dicomweb.repository import Place
from gateway.dicomweb.service import DicomWeb
from ictus.domain.errors import IctusError, NotFoundError
from ictus.domain.ids import new_id
from ictus.http import problems

router: APIRouter = api_router(PREFIX, tag="dicomweb")

FrameList = Annotated[
    str, Path(pattern=r"^[0-9]{1,6}(,[0-9]{1,6}){0,999}$", description="Frames, counted from 1: `1,2`.")
]
Audit = Annotated[AuditEntry, audited("dicomweb.retrieve", "study")]
Shown = Annotated[AuditEntry, audited("dicomweb.render", "study")]
Window = Annotated[str | None, Query(max_length=64, description="`centre,width,linear`.")]
Viewport = Annotated[str | None, Query(max_length=32, description="`width,height` in pixels.")]

_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_METADATA: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {
        200: {"description": "All attributes but the pixels.", "content": {DICOM_JSON: JSON_ARRAY}},
        **problems(NotFoundError),
    },
}


def _content(description: str, *media_types: str, besides: Sequence[type[IctusError]] = ()) -> dict[str, Any]:
    return {
        "response_class": Response,
        "responses": {
            200: {"description": description, "content": dict.fromkeys(media_types, _BINARY)},
            **problems(NotFoundError, NotAcceptableError, *besides),
        },
    }


_FILES: Final = _content("The files as they are stored.", "multipart/related")
_ONE_FILE: Final = _content("The file as it is stored.", "multipart/related", DICOM)
_FRAMES: Final = _content("The frames as they are stored.", "multipart/related")
_PICTURE: Final = _content("A picture.", "image/jpeg", "image/png", besides=[QueryMalformedError])


@router.get(STUDY, **_FILES)
def retrieve_dicom_study(study_uid: Uid, request: Request, dicom: Dicom, audit: Audit) -> Response:
    """Every instance of a study."""
    return _files(request, dicom, Place(study_uid), audit)


@router.get(SERIES, **_FILES)
def retrieve_dicom_series(
    study_uid: Uid, series_uid: Uid, request: Request, dicom: Dicom, audit: Audit
) -> Response:
    """Every instance of a series."""
    return _files(request, dicom, Place(study_uid, series_uid), audit)


@router.get(INSTANCE, **_ONE_FILE)
def retrieve_dicom_instance(
    study_uid: Uid, series_uid: Uid, sop_uid: Uid, request: Request, dicom: Dicom, audit: Audit
) -> Response:
    """One instance."""
    return _files(request, dicom, Place(study_uid, series_uid, sop_uid), audit)


@router.get(f"{STUDY}/metadata", **_METADATA)
def read_dicom_metadata_of_study(study_uid: Uid, dicom: Dicom, audit: Audit) -> Response:
    """All attributes of a study's instances."""
    return _metadata(dicom, Place(study_uid), audit)


@router.get(f"{SERIES}/metadata", **_METADATA)
def read_dicom_metadata_of_series(study_uid: Uid, series_uid: Uid, dicom: Dicom, audit: Audit) -> Response:
    """All attributes of a series' instances."""
    return _metadata(dicom, Place(study_uid, series_uid), audit)


@router.get(f"{INSTANCE}/metadata", **_METADATA)
def read_dicom_metadata_of_instance(
    study_uid: Uid, series_uid: Uid, sop_uid: Uid, dicom: Dicom, audit: Audit
) -> Response:
    """All attributes of an instance."""
    return _metadata(dicom, Place(study_uid, series_uid, sop_uid), audit)


@router.get(f"{INSTANCE}/frames/{{frames}}", **_FRAMES)
def retrieve_dicom_frames(
    study_uid: Uid,
    series_uid: Uid,
    sop_uid: Uid,
    frames: FrameList,
    request: Request,
    dicom: Dicom,
    audit: Audit,
) -> Response:
    """Frames of an instance."""
    place = Place(study_uid, series_uid, sop_uid)
    audit.object_id = dicom.study_id(place)
    numbers = [int(number) for number in frames.split(",")]
    return _related(dicom.frames(place, numbers, accepted_by(request)))


@router.get(f"{INSTANCE}/bulkdata/7FE00010", **_FRAMES)
def retrieve_dicom_pixel_data(
    study_uid: Uid, series_uid: Uid, sop_uid: Uid, request: Request, dicom: Dicom, audit: Audit
) -> Response:
    """The pixels of an instance, frame by frame."""
    place = Place(study_uid, series_uid, sop_uid)
    audit.object_id = dicom.study_id(place)
    return _related(dicom.pixel_data(place, accepted_by(request)))


@router.get(f"{INSTANCE}/rendered", **_PICTURE)
def render_dicom_instance(
    study_uid: Uid,
    series_uid: Uid,
    sop_uid: Uid,
    request: Request,
    dicom: Dicom,
    audit: Shown,
    window: Window = None,
    viewport: Viewport = None,
) -> Response:
    """An instance's first frame as a picture, turned as a radiologist looks at it."""
    place = Place(study_uid, series_uid, sop_uid)
    return _picture(request, dicom, place, audit, window=window, viewport=viewport_of(viewport))


@router.get(f"{INSTANCE}/frames/{{frame}}/rendered", **_PICTURE)
def render_dicom_frame(
    study_uid: Uid,
    series_uid: Uid,
    sop_uid: Uid,
    frame: Annotated[int, Path(ge=1)],
    request: Request,
    dicom: Dicom,
    audit: Shown,
    window: Window = None,
    viewport: Viewport = None,
) -> Response:
    """A frame as a picture, turned as a radiologist looks at it."""
    place = Place(study_uid, series_uid, sop_uid)
    shown = viewport_of(viewport)
    return _picture(request, dicom, place, audit, frame=frame, window=window, viewport=shown)


@router.get(f"{STUDY}/thumbnail", **_PICTURE)
def read_dicom_thumbnail_of_study(
    study_uid: Uid, request: Request, dicom: Dicom, audit: Shown, viewport: Viewport = None
) -> Response:
    """A small picture of the middle of a study."""
    return _thumbnail(request, dicom, Place(study_uid), audit, viewport)


@router.get(f"{SERIES}/thumbnail", **_PICTURE)
def read_dicom_thumbnail_of_series(
    study_uid: Uid, series_uid: Uid, request: Request, dicom: Dicom, audit: Shown, viewport: Viewport = None
) -> Response:
    """A small picture of the middle of a series."""
    return _thumbnail(request, dicom, Place(study_uid, series_uid), audit, viewport)


@router.get(f"{INSTANCE}/thumbnail", **_PICTURE)
def read_dicom_thumbnail_of_instance(
    study_uid: Uid,
    series_uid: Uid,
    sop_uid: Uid,
    request: Request,
    dicom: Dicom,
    audit: Shown,
    viewport: Viewport = None,
) -> Response:
    """A small picture of an instance."""
    return _thumbnail(request, dicom, Place(study_uid, series_uid, sop_uid), audit, viewport)


def _files(request: Request, dicom: DicomWeb, place: Place, audit: AuditEntry) -> Response:
    accepted = accepted_by(request)
    parts, audit.object_id = dicom.files(place, accepted)
    audit.detail["instances"] = len(parts)
    if place.sop_uid is not None and wants_single(accepted):
        return Response(parts[0].read(), media_type=parts[0].content_type)
    return _related(parts, DICOM)


def _metadata(dicom: DicomWeb, place: Place, audit: AuditEntry) -> Response:
    audit.object_id = dicom.study_id(place)
    return JSONResponse(dicom.metadata(place), media_type=DICOM_JSON)


def _related(parts: Sequence[Part], root_type: str = OCTETS) -> Response:
    if root_type == OCTETS:
        root_type = parts[0].content_type.split(";")[0]
    return multipart(parts, root_type, new_id().hex)


def _thumbnail(
    request: Request, dicom: DicomWeb, place: Place, audit: AuditEntry, viewport: str | None
) -> Response:
    shown = viewport_of(viewport) or (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS)
    return _picture(request, dicom, place, audit, viewport=shown)


def _picture(
    request: Request,
    dicom: DicomWeb,
    place: Place,
    audit: AuditEntry,
    *,
    frame: int = 1,
    window: str | None = None,
    viewport: tuple[int, int] | None = None,
) -> Response:
    media_type = picture_type(accepted_by(request))
    audit.object_id = dicom.study_id(place)
    return Response(dicom.rendered(place, frame, window, viewport, media_type), media_type=media_type)
