"""Which ways of learning can be started is what the trainer said when it started."""

from fastapi.testclient import TestClient
from tests.gateway.installation import Installation
from tests.gateway.learning import Trainer

from ictus.contracts.trainings import TrainerMethods
from ictus.domain.enums import Role, TrainingMethod

TRAININGS = "/api/v1/trainings"
INTERNAL = "/internal/v1/trainings/methods"
LACKS = "The trainer cannot fine-tune: ICTUS_REPLAY_DATASET must name a folder."


def tell(trainer: Trainer, missing: dict[TrainingMethod, str]) -> None:
    answer = trainer.client.put(INTERNAL, json=TrainerMethods(missing=missing).model_dump(mode="json"))
    assert answer.status_code == 204, answer.text


def missing(admin: TestClient) -> dict[str, str | None]:
    answer = admin.get(f"{TRAININGS}/methods")
    assert answer.status_code == 200, answer.text
    return {one["method"]: one["missing"] for one in answer.json()}


def test_administrators_read_what_fine_tuning_lacks_before_they_start_it(
    admin: TestClient, trainer: Trainer
) -> None:
    tell(trainer, {TrainingMethod.FULL_FINE_TUNING: LACKS})
    assert missing(admin) == {"latent_replay": None, "full_fine_tuning": LACKS}
    refused = admin.post(TRAININGS, json={"method": "full_fine_tuning"})
    assert (refused.status_code, refused.json()["code"]) == (409, "method_unavailable")
    assert refused.json()["detail"] == LACKS
    tell(trainer, {})
    assert missing(admin) == {"latent_replay": None, "full_fine_tuning": None}


def test_only_administrators_read_it_and_only_the_trainer_says_it(
    installation: Installation, admin: TestClient
) -> None:
    reader = installation.add_person(Role.RADIOLOGIST).sign_in()
    assert reader.get(f"{TRAININGS}/methods").status_code == 403
    assert admin.put(INTERNAL, json={"missing": {}}).status_code in {401, 403}
