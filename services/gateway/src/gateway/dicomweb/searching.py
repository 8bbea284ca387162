"""Searching (QIDO-RS, PS3.18 10.6)."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from gateway.deps import api_router, audited
from gateway.dicomweb.deps import JSON_ARRAY, PREFIX, SERIES, STUDY, Dicom, Uid
from gateway.dicomweb.errors import QueryMalformedError
from gateway.dicomweb.media import DICOM_JSON
from gateway.dicomweb.query import Search
from gateway.dicomweb.repository import Place
from ictus.http import problems
from ictus.imaging.stored import DicomJson

router: APIRouter = api_router(PREFIX, tag="dicomweb")

_SEARCH: Final[dict[str, Any]] = {
    "response_class": Response,
    "dependencies": [audited("dicomweb.search", "study")],
    "responses": {
        200: {"description": "What matches.", "content": {DICOM_JSON: JSON_ARRAY}},
        204: {"description": "Nothing matches."},
        **problems(QueryMalformedError),
    },
    "openapi_extra": {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": kind}, "description": description}
            for name, kind, description in (
                ("limit", "integer", "Results at most; 1000 when it is not said."),
                ("offset", "integer", "Results to pass over."),
                ("includefield", "string", "Further attributes, by keyword or tag, or `all`."),
                ("fuzzymatching", "boolean", "Not supported: ignored with a Warning."),
            )
        ]
    },
}


def _search(request: Request) -> Search:
    return Search.parse(request.query_params.multi_items())


Wanted = Annotated[Search, Depends(_search)]


@router.get("/studies", **_SEARCH)
def search_dicom_studies(dicom: Dicom, search: Wanted) -> Response:
    """Search for studies, the newest first."""
    return _answer(dicom.studies(search), search)


@router.get("/series", **_SEARCH)
def search_dicom_series(dicom: Dicom, search: Wanted) -> Response:
    """Search for series of all studies."""
    return _answer(dicom.series(search, Place()), search)


@router.get(f"{STUDY}/series", **_SEARCH)
def search_dicom_series_of_study(study_uid: Uid, dicom: Dicom, search: Wanted) -> Response:
    """Search for series of a study."""
    return _answer(dicom.series(search, Place(study_uid)), search)


@router.get("/instances", **_SEARCH)
def search_dicom_instances(dicom: Dicom, search: Wanted) -> Response:
    """Search for instances of all studies."""
    return _answer(dicom.instances(search, Place()), search)


@router.get(f"{STUDY}/instances", **_SEARCH)
def search_dicom_instances_of_study(study_uid: Uid, dicom: Dicom, search: Wanted) -> Response:
    """Search for instances of a study."""
    return _answer(dicom.instances(search, Place(study_uid)), search)


@router.get(f"{SERIES}/instances", **_SEARCH)
def search_dicom_instances_of_series(
    study_uid: Uid, series_uid: Uid, dicom: Dicom, search: Wanted
) -> Response:
    """Search for instances of a series."""
    return _answer(dicom.instances(search, Place(study_uid, series_uid)), search)


def _answer(found: Sequence[DicomJson], search: Search) -> Response:
    warnings = []
    if len(found) > search.limit:
        warnings.append("There are further results; ask for them with offset.")
    if search.fuzzy:
        # The words of PS3.18 8.3.4.2.
        warnings.append(
            "The fuzzymatching parameter is not supported. Only literal matching has been performed."
        )
    if search.unmatched:
        warnings.append("Keys within sequences are not supported and were ignored.")
    headers = {"Warning": ", ".join(f'299 ictus "{text}"' for text in warnings)} if warnings else {}
    if not found:
        return Response(status_code=204, headers=headers)
    return JSONResponse(list(found[: search.limit]), media_type=DICOM_JSON, headers=headers)
