"""What the trainer learns from in a fault test: an administrator, and confirmed cases on real servers.

The cases' embeddings are the bundled model's own examples, seen by a scanner that moves them all alike: the trainer is
what is tested here, so no scan is drawn and analysed for them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

import httpx
import numpy as np
from safetensors.numpy import load_file, save
from tests.overlooked import overlooked

from ictus.contracts.reviews import Review, VerdictRequest
from ictus.domain.enums import Finding, ReaderConfidence
from ictus.http import ServiceClient
from ictus.model.manifest import REPLAY_FILE, load_model_directory
from ictus.storage import ObjectStore
from ictus.storage.keys import embedding_key, result_prefix
from local.ports import LOOPBACK
from local.secret_files import S3_BUCKET
from local.stack import REPOSITORY, LocalStack

_PASSWORD: Final = "quiet lamps over rivers"
_PATIENTS: Final = 16


@dataclass(frozen=True)
class Administrator:
    """The first administrator of a fresh stack, signed in."""

    client: httpx.Client

    @classmethod
    def of(cls, stack: LocalStack) -> Self:
        """Replace the one-time password and sign in."""
        first = stack.first_admin
        assert first is not None, "the stack is fresh"
        client = httpx.Client(base_url=f"{stack.url('gateway')}/api/v1", timeout=60)
        password = first.one_time_password
        change = {"current_password": password, "new_password": _PASSWORD}
        _sign_in(client, first.email, password)
        client.post("/auth/password", json=change).raise_for_status()
        _sign_in(client, first.email, _PASSWORD)
        return cls(client)

    def start_training(self) -> dict[str, Any]:
        """Ask for a training, always with the same seed."""
        return self._json(self.client.post("/trainings", json={"seed": 7}))

    def training(self, training_id: str) -> dict[str, Any]:
        """How far it is."""
        return self._json(self.client.get(f"/trainings/{training_id}"))

    @staticmethod
    def _json(answer: httpx.Response) -> dict[str, Any]:
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def confirm_cases(stack: LocalStack) -> int:
    """Have three readers confirm a case of each of some patients; how many cases."""
    model = load_model_directory(REPOSITORY / "models" / "starter")
    replay = load_file(model.path / REPLAY_FILE)
    credentials = stack.credentials
    store = ObjectStore(
        f"{LOOPBACK}:{stack.ports['s3']}",
        credentials.s3_access_key,
        credentials.s3_secret_key,
        S3_BUCKET,
        secure=False,
    )
    random = np.random.default_rng(5)
    moved = (0.05 * random.standard_normal(replay["embedding"].shape[1])).astype(np.float16)
    readers, site = (uuid4(), uuid4(), uuid4()), uuid4()
    rows = np.arange(len(replay["labels"]))
    with ServiceClient(stack.url("feedback"), credentials.feedback_token, timeout=60) as feedback:
        for number in range(_PATIENTS):
            label = number % 2
            chosen = random.choice(rows[replay["labels"] == label], 3, replace=False)
            study, job, series = uuid4(), uuid4(), uuid4()
            key = embedding_key(result_prefix(study, job, 1), series)
            store.put_bytes(key, save({"embedding": replay["embedding"][chosen] + moved}))
            item = overlooked(
                study,
                job,
                series,
                site,
                key,
                model.manifest.embedding_space,
                model.manifest.version,
                datetime.now(UTC),
                key_slices=(0, 1, 2),
                slice_scores=(0.4, 0.4, 0.4),
            )
            feedback.tell("PUT", f"/internal/v1/review-items/{job}", body=item)
            verdict = VerdictRequest(
                reader_id=readers[number // 2 % 3],
                agrees=label == 0,
                finding=Finding.STROKE if label else Finding.NORMAL,
                confidence=ReaderConfidence.HIGH,
                expected_revision=0,
            )
            feedback.call("POST", f"/internal/v1/reviews/{job}/verdicts", Review, body=verdict)
    return _PATIENTS


def _sign_in(client: httpx.Client, email: str, password: str) -> None:
    answer = client.post("/auth/login", json={"email": email, "password": password})
    answer.raise_for_status()
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
