"""Studies that were analysed, with their pictures in the object store."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.gateway.analysis import Worker, prediction
from tests.gateway.installation import Installation, Person
from tests.gateway.uploads import dicom_files, upload

from ictus.contracts.jobs import AnalyzeStudy
from ictus.contracts.prediction import PredictionResult
from ictus.domain.enums import Disposition, Finding, Role
from ictus.storage import keys


@cache
def grey_jpeg(level: int) -> bytes:
    written, encoded = cv2.imencode(".jpg", np.full((64, 64), level, np.uint8))
    assert written
    return encoded.tobytes()


@dataclass(frozen=True)
class Analysed:
    """A study of a phantom and what a worker said of it."""

    study_id: str
    result: PredictionResult

    @property
    def page(self) -> str:
        return f"/api/v1/studies/{self.study_id}/report"

    @property
    def pdf(self) -> str:
        return f"{self.page}.pdf"


@pytest.fixture
def clinician(installation: Installation) -> Person:
    return installation.add_person(Role.CLINICIAN)


@pytest.fixture
def browser(clinician: Person) -> TestClient:
    return clinician.sign_in()


@pytest.fixture
def analyse(installation: Installation, browser: TestClient) -> Callable[..., Analysed]:
    """Upload a phantom as the clinician and complete its analysis; keywords go to ``prediction``."""
    worker = Worker.of(installation)

    def complete(
        disposition: Disposition = Disposition.CONFIDENT, finding: Finding | None = Finding.STROKE
    ) -> Analysed:
        study = upload(browser, *dicom_files())
        job = worker.must_claim()
        assert str(job.study_id) == study["id"]
        result = _with_pictures(installation, job, prediction(job, disposition, finding))
        assert worker.complete(job, result).status_code == 204
        return Analysed(study["id"], result)

    return complete


def _with_pictures(
    installation: Installation, job: AnalyzeStudy, result: PredictionResult
) -> PredictionResult:
    """The answer with the pictures of its key slices, which are put into the object store."""
    series = result.series[0]
    slices = []
    for one in series.slices:
        plain = keys.plain_key(job.result_prefix, series.series_id, one.index)
        picture = keys.picture_key(job.result_prefix, series.series_id, one.index)
        if one.index in series.key_slices:
            installation.resources.store.put_bytes(plain, grey_jpeg(60), "image/jpeg")
            installation.resources.store.put_bytes(picture, grey_jpeg(180), "image/jpeg")
            one = one.model_copy(update={"plain_key": plain, "picture_key": picture})  # noqa: PLW2901
        slices.append(one)
    return result.model_copy(update={"series": (series.model_copy(update={"slices": tuple(slices)}),)})
