"""``python -m tests.faults.trainer``: the trainer is killed (-9) at random moments, and every training ends the same.

Each training has the same cases, model and seed, so each must give the same weights, figures and gate report, however
often its trainer was killed; and whatever is in the registry must be whole. The last line has the figures.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from tests.faults.installation import Administrator, confirm_cases

from ictus.model.manifest import WEIGHTS_FILE
from ictus.registry import Registry
from local.errors import StackError
from local.stack import LocalStack

PROCESSES: Final = ("gateway", "gateway-tasks", "feedback", "starter-model", "trainer")
SETTINGS: Final[Mapping[str, str]] = {
    "ICTUS_TRAINING_LEASE_SECONDS": "8",
    "ICTUS_SWEEP_SECONDS": "1",
    "ICTUS_RETRY_BACKOFF_SECONDS": "1",
    "ICTUS_TRAINING_NEW_CASES": "0",
    "ICTUS_TRAINING_EVERY_HOURS": "0",
    "ICTUS_LOG_LEVEL": "WARNING",
}
"""A dead trainer is noticed sooner than in a real installation, and nothing starts by itself."""

_KILLS_OF_ONE: Final = 2
"""A training is given up when its third attempt is lost."""
_POLL_SECONDS: Final = 0.2
_ENDED: Final = ("awaiting_approval", "refused")


@dataclass
class Found:
    """What the run has come to.

    Attributes:
        kills: of the trainer while it was at work.
        resumed: trainings that ended in another attempt than their first.
        alike: trainings with the weights, figures and gate report of the undisturbed one.
        broken: promises that were not kept, in words.
    """

    kills: int = 0
    resumed: int = 0
    alike: int = 0
    broken: list[str] = field(default_factory=list)


def main() -> int:
    """Run the scenario on a stack of its own; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(prog="tests.faults.trainer", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=45.0, help="for everything")
    options = parser.parse_args()
    console = Console(highlight=False)
    folder = Path(tempfile.mkdtemp(prefix="ictus-faults-"))
    try:
        console.print(f"starting an Ictus of its own in {folder} …")
        with LocalStack(folder, processes=PROCESSES, settings=SETTINGS) as stack:
            return _prove(stack, options.kills, options.seed, options.minutes * 60, console)
    except (StackError, TimeoutError) as error:
        console.print(f"faults, trainer: BROKEN: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prove(stack: LocalStack, kills: int, seed: int, seconds: float, console: Console) -> int:
    moments = random.Random(seed)  # noqa: S311  no secret
    started = time.monotonic()
    admin = Administrator.of(stack)
    cases = confirm_cases(stack)
    registry = Registry(stack.url("mlflow"), "ictus", public_key=stack.model_keys.public)
    found = Found()
    champion = registry.champion()
    whole, took = _run(stack, admin, found, moments, 0.0, 0, started + seconds)
    console.print(f"undisturbed: {whole['state']} after {took:.0f} s, of {cases} cases")
    trainings = [whole]
    while found.kills < kills:
        most = min(_KILLS_OF_ONE, kills - found.kills)
        training, lasted = _run(stack, admin, found, moments, took, most, started + seconds)
        if training["attempt"] == 1:
            took = lasted  # the first one also imported torch and fetched the model
        trainings.append(training)
        console.print(f"{found.kills:3d} kills · training {len(trainings)}: attempt {training['attempt']}")
        found.alike += _is_alike(registry, whole, training, found)
    versions = _whole_versions(stack, registry, found)
    if versions != {champion, *(one["candidate_version"] for one in trainings)}:
        found.broken.append("the registry holds other versions than the trainings made")
    if registry.champion() != champion:
        found.broken.append("the model in use has changed")
    for words in found.broken:
        console.print(f"broken: {words}")
    console.print(
        f"faults, trainer: {'BROKEN' if found.broken else 'ok'}: {found.kills} kills in {len(trainings) - 1} trainings, "
        f"{found.resumed} resumed; {found.alike} with the weights, figures and gate of the undisturbed one; "
        f"{len(versions)} versions registered, all whole; {time.monotonic() - started:.0f} s",
        soft_wrap=True,
    )
    return 1 if found.broken else 0


def _run(
    stack: LocalStack,
    admin: Administrator,
    found: Found,
    moments: random.Random,
    took: float,
    kills: int,
    deadline: float,
) -> tuple[dict[str, Any], float]:
    """A training to its end, its trainer killed at most so often; it, and how long its trainer was at work."""
    training = admin.start_training()
    claimed: dict[int, float] = {}
    kill_at = dict[int, float]()
    while training["state"] not in _ENDED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"a training is {training['state']} when the time is up")
        if training["state"] in {"failed", "cancelled"}:
            raise TimeoutError(f"a training ended without a candidate: {training['failure_reason']}")
        attempt = int(training["attempt"])
        if training["state"] == "running" and attempt not in claimed:
            claimed[attempt] = time.monotonic()
            if attempt <= kills:
                kill_at[attempt] = claimed[attempt] + moments.uniform(0.0, took)
        due = kill_at.get(attempt)
        if due is not None and training["state"] == "running" and time.monotonic() >= due:
            del kill_at[attempt]
            stack.kill("trainer")
            found.kills += 1
        time.sleep(_POLL_SECONDS)
        training = admin.training(training["id"])
    found.resumed += training["attempt"] > 1
    return training, time.monotonic() - claimed.get(1, time.monotonic())


def _is_alike(registry: Registry, whole: dict[str, Any], training: dict[str, Any], found: Found) -> bool:
    """Whether a candidate is the undisturbed one but for its name; what is not alike is noted."""
    name, before = training["candidate_version"], len(found.broken)
    for part in ("metrics", "gate", "state"):
        if training[part] != whole[part]:
            found.broken.append(f"{name} has another {part} than the undisturbed candidate")
    weights = [registry.manifest(one["candidate_version"]).files[WEIGHTS_FILE] for one in (whole, training)]
    if weights[0] != weights[1]:
        found.broken.append(f"{name} has other weights than the undisturbed candidate")
    return len(found.broken) == before


def _whole_versions(stack: LocalStack, registry: Registry, found: Found) -> set[str | None]:
    """Every registered version, fetched and verified; no candidate has an alias."""
    versions: set[str | None] = set()
    for one in registry.described_versions():
        versions.add(one.version)
        registry.fetch(one.version, stack.data / "fetched")
        if one.aliases and one.version != registry.champion():
            found.broken.append(f"{one.version} has an alias")
    return versions


if __name__ == "__main__":
    sys.exit(main())
