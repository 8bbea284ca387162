"""``/api/v1/dicomweb``: STOW-RS, QIDO-RS and WADO-RS of the caller's site."""

from fastapi import APIRouter

from gateway.dicomweb import retrieving, searching, storing

router = APIRouter()
router.include_router(storing.router)
router.include_router(searching.router)
router.include_router(retrieving.router)
