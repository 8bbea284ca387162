"""Studies that were answered, with their pictures in the object store, and what readers came to."""

import io
from functools import cache
from uuid import UUID, uuid4

import cv2
import numpy as np
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select
from tests.gateway.analysis import Worker, prediction
from tests.gateway.installation import Installation
from tests.gateway.uploads import upload

from gateway.results.models import Result
from gateway.results.review_item import review_item
from gateway.reviews.copies import note_reviews
from gateway.studies.models import Study
from ictus.contracts.jobs import AnalyzeStudy
from ictus.contracts.prediction import PredictionResult
from ictus.contracts.reviews import Review, Verdict
from ictus.domain.enums import Disposition, Finding, HaemorrhageSubtype, ReaderConfidence, ReviewState, Role
from ictus.storage import keys


@cache
def grey_jpeg(level: int) -> bytes:
    """A grey picture."""
    written, encoded = cv2.imencode(".jpg", np.full((64, 64), level, np.uint8))
    assert written
    return encoded.tobytes()


@cache
def overlay(rows: int, columns: int) -> bytes:
    """A heatmap whose levels rise from the left upper corner to the right, so that a turned one is noticed."""
    levels = np.zeros((rows, columns), np.uint8)
    levels[0, :] = np.linspace(0, 31, columns)
    picture = Image.fromarray(levels).convert("P")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", transparency=bytes(range(32)))
    return buffer.getvalue()


def with_pictures(
    installation: Installation, job: AnalyzeStudy, result: PredictionResult
) -> PredictionResult:
    """The answer with overlays and the pictures of its key slices, which are put into the object store."""
    store, series, asked = installation.resources.store, result.series[0], job.series[0]
    slices = []
    for one in series.slices:
        plain = keys.plain_key(job.result_prefix, series.series_id, one.index)
        picture = keys.picture_key(job.result_prefix, series.series_id, one.index)
        if one.overlay_key:
            store.put_bytes(one.overlay_key, overlay(asked.rows, asked.columns), "image/png")
        if one.index in series.key_slices:
            store.put_bytes(plain, grey_jpeg(60), "image/jpeg")
            store.put_bytes(picture, grey_jpeg(180), "image/jpeg")
            one = one.model_copy(update={"plain_key": plain, "picture_key": picture})  # noqa: PLW2901
        slices.append(one)
    return result.model_copy(update={"series": (series.model_copy(update={"slices": tuple(slices)}),)})


def answered(
    installation: Installation,
    browser: TestClient,
    *files: bytes,
    disposition: Disposition = Disposition.CONFIDENT,
    finding: Finding | None = Finding.STROKE,
    **fields: str,
) -> tuple[str, PredictionResult]:
    """Upload files as ``browser`` and complete their analysis; the study's id and what a worker said."""
    study = upload(browser, *files, **fields)
    worker = Worker.of(installation)
    job = worker.must_claim()
    assert str(job.study_id) == study["id"]
    result = with_pictures(installation, job, prediction(job, disposition, finding))
    assert worker.complete(job, result).status_code == 204
    return study["id"], result


def decide(
    installation: Installation,
    site_id: UUID,
    study_id: str,
    finding: Finding | None,
    subtype: HaemorrhageSubtype | None = None,
) -> None:
    """Have a reader come to a finding, as the feedback service would tell it."""
    reader = installation.add_person(Role.RADIOLOGIST, site_id)
    with installation.resources.sessions.begin() as session:
        result = session.scalars(select(Result).where(Result.study_id == UUID(study_id))).one()
        item = review_item(session.get_one(Study, UUID(study_id)), result)
        verdict = Verdict(
            verdict_id=uuid4(),
            reader_id=reader.user_id,
            agrees=finding is item.finding,
            finding=finding,
            subtype=subtype,
            confidence=ReaderConfidence.HIGH,
            given_at=installation.clock(),
        )
        review = Review(
            item=item,
            state=ReviewState.FINAL,
            revision=1,
            verdicts=(verdict,),
            final_finding=finding,
            final_subtype=subtype,
            decided_at=installation.clock(),
            agrees_with_model=finding is item.finding,
        )
        note_reviews(session, site_id, [review], installation.clock())
