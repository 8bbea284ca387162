"""Fine-tuning from images through a whole stack: readers' cases, their scans in the object store, the trainer, the gate."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from safetensors.numpy import save
from tests.faults.installation import Administrator
from tests.ictus.conftest import manifest
from tests.overlooked import overlooked
from tests.trainer.imaged import SIZE, Imaged, make_imaged, short

from ictus.contracts.reviews import Review, VerdictRequest
from ictus.domain.enums import Finding, ReaderConfidence
from ictus.http import ServiceClient
from ictus.imaging.volume import Volume
from ictus.model.manifest import INPUT_PIXELS, OUTPUT_EMBEDDING, Architecture, ModelManifest
from ictus.model.preprocess import PreprocessParams, prepare
from ictus.registry import Registry
from ictus.storage import ObjectStore
from ictus.storage.keys import embedding_key, result_prefix, volume_key
from local.ports import LOOPBACK
from local.secret_files import S3_BUCKET
from local.stack import LocalStack
from local.supervisor_client import wait_for
from trainer.features import open_session
from trainer.publish import Publisher

pytestmark = pytest.mark.timeout(800)  # a stack starts and a network learns, on a busy machine

PROCESSES = ("gateway", "feedback", "trainer")
FINE_TUNING = "full_fine_tuning"
READERS = 3


@pytest.fixture(scope="module")
def imaged(tmp_path_factory: pytest.TempPathFactory) -> Imaged:
    """A small network, what it learned from, and scans of another device."""
    made: ModelManifest = manifest.__wrapped__()  # the fixture's function: it takes nothing
    small = Architecture(
        resnet="resnet18", mobilenet="mobilenet_v3_small", hidden=16, mobilenet_same_padding=True
    )
    return make_imaged(tmp_path_factory.mktemp("imaged"), made, small)


@pytest.fixture(scope="module")
def stack(imaged: Imaged) -> Iterator[LocalStack]:
    """A stack whose trainer has the data set that its model learned from."""
    folder = Path(tempfile.mkdtemp(prefix="ictus-"))
    shutil.copytree(imaged.dataset, folder / "replay")
    permitted = folder / "permitted_changes.yaml"
    permitted.write_text(
        yaml.safe_dump(short(epochs=1, views=0, suitability_slices=32).model_dump(mode="json"))
    )
    settings = {
        "ICTUS_PERMITTED_CHANGES": str(permitted),
        "ICTUS_TRAINING_NEW_CASES": "0",
        "ICTUS_TRAINING_EVERY_HOURS": "0",
    }
    with LocalStack(folder, processes=PROCESSES, settings=settings) as running:
        private = running.model_keys.private
        registry = Publisher(running.url("mlflow"), "ictus", private, ring=lambda: None)
        registry.publish(imaged.model.path)
        yield running
    shutil.rmtree(folder, ignore_errors=True)


def confirm(stack: LocalStack, imaged: Imaged) -> int:
    """Store the scans with their embeddings, and have three readers say what they show; how many cases."""
    credentials = stack.credentials
    endpoint = f"{LOOPBACK}:{stack.ports['s3']}"
    keys = (credentials.s3_access_key, credentials.s3_secret_key)
    store = ObjectStore(endpoint, *keys, S3_BUCKET, secure=False)
    session, site = open_session(imaged.model.graph, threads=1), uuid4()
    readers = [uuid4() for _ in range(READERS)]
    with ServiceClient(stack.url("feedback"), credentials.feedback_token, timeout=60) as feedback:
        for number, scan in enumerate(imaged.scans):
            study, job, series = uuid4(), uuid4(), uuid4()
            assert scan.volume_key is not None
            volume = imaged.objects[scan.volume_key]
            pixels = prepare(Volume.from_bytes(volume), PreprocessParams(size=SIZE)).pixels
            embedding = session.run([OUTPUT_EMBEDDING], {INPUT_PIXELS: pixels})[0]
            key = embedding_key(result_prefix(study, job, 1), series)
            store.put_bytes(volume_key(study, series), volume)
            store.put_bytes(key, save({"embedding": embedding.astype("float16")}))
            bleeds = number % 2 == 1
            item = overlooked(
                study,
                job,
                series,
                site,
                key,
                imaged.model.manifest.embedding_space,
                imaged.model.manifest.version,
                datetime.now(UTC),
                key_slices=(0,),
                slice_scores=(0.4, 0.3, 0.3),
            )
            feedback.tell("PUT", f"/internal/v1/review-items/{job}", body=item)
            verdict = VerdictRequest(
                reader_id=readers[number // 2 % READERS],
                agrees=not bleeds,
                finding=Finding.STROKE if bleeds else Finding.NORMAL,
                key_slices=scan.slices if bleeds else (),
                confidence=ReaderConfidence.HIGH,
                expected_revision=0,
            )
            feedback.call("POST", f"/internal/v1/reviews/{job}/verdicts", Review, body=verdict)
    return len(imaged.scans)


def can_fine_tune(admin: Administrator) -> bool:
    """Whether the trainer has said that nothing is missing."""
    methods = admin.client.get("/trainings/methods").raise_for_status().json()
    return any(one["method"] == FINE_TUNING and one["missing"] is None for one in methods)


def test_readers_cases_become_a_fine_tuned_candidate_that_the_gate_has_judged(
    stack: LocalStack, imaged: Imaged
) -> None:
    admin = Administrator.of(stack)
    cases = confirm(stack, imaged)
    wait_for(lambda: can_fine_tune(admin), timeout_s=120, waiting_for="what the trainer can")
    asked = admin.client.post("/trainings", json={"seed": 7, "method": FINE_TUNING})
    assert asked.status_code in {200, 201, 202}, asked.text
    training: dict[str, Any] = asked.json()
    assert training["method"] == FINE_TUNING

    def ended() -> bool:
        training.update(admin.training(training["id"]))
        return training["state"] in {"awaiting_approval", "refused", "failed", "cancelled"}

    wait_for(ended, timeout_s=500, waiting_for="the end of the training")
    assert training["state"] in {"awaiting_approval", "refused"}, training
    checks = {check["name"]: check for check in training["gate"]["checks"]}
    assert checks["new_cases"]["measured"] == cases
    assert checks["permitted_parts"]["passed"], checks["permitted_parts"]["sentence"]
    assert checks["test_set_unsuitable"]["measured"] is not None
    assert training["state"] == ("awaiting_approval" if training["gate"]["passed"] else "refused")

    registry = Registry(stack.url("mlflow"), "ictus", public_key=stack.model_keys.public)
    base, version = imaged.model.manifest, training["candidate_version"]
    made = registry.manifest(version)
    assert made.embedding_space not in {None, base.embedding_space}, "the backbones have learned"
    assert made.training.evaluation.startswith("Fine-tuning of layer4")
    assert registry.champion() == base.version, "nobody has approved it"
    shown = admin.client.get(f"/models/{version}").raise_for_status().json()
    assert shown["training"]["id"] == training["id"]
    assert list((stack.data / "training").glob(f"{training['id']}*")) == [], "nothing of it is left behind"
