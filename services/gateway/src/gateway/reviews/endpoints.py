"""``/api/v1/reviews``."""

from typing import Annotated

from gateway.auth.models import Scope
from gateway.cursor import CursorError
from gateway.deps import Caller, Cipher, DbSession, Resources, api_router, audited, requires
from gateway.paging import Cursor, Page, PageSize
from gateway.reviews.schemas import ReviewOut
from gateway.reviews.service import fetch_queue, with_studies
from ictus.domain.enums import Role
from ictus.http import problems

Reader = Annotated[Caller, requires(Role.RADIOLOGIST, Role.ADMIN, scope=Scope.REVIEWS_READ)]

router = api_router("/reviews", tag="reviews")


@router.get(
    "",
    summary="List results that wait for a reader",
    dependencies=[audited("review.list", "review")],
    responses=problems(CursorError),
)
def list_reviews(
    caller: Reader,
    session: DbSession,
    cipher: Cipher,
    resources: Resources,
    limit: PageSize = 50,
    cursor: Cursor = None,
) -> Page[ReviewOut]:
    """The site's uncertain, unsuitable and not validated results, most urgent first, then longest waiting."""
    session.commit()
    page = fetch_queue(resources.feedback, caller.site_id, cursor, limit)
    return with_studies(session, caller.site_id, cipher, page)
