"""What is promised of every container, asked of the containers themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.containers import code_digest
from tests.containers.compose import REPOSITORY, Compose, ContainersError

WITH_TORCH: Final = frozenset({"trainer"})

REFUSALS: Final = {
    "db": "postgres_password",
    "redis": "redis.conf",
    "minio": "MINIO_ROOT_USER",
    "mlflow": "database_password",
    "edge": "fullchain.pem",
    "gateway": "ICTUS_DATABASE_URL",
    "gateway-tasks": "ICTUS_DATABASE_URL",
    "gateway-deliveries": "ICTUS_DATABASE_URL",
    "dimse": "ICTUS_DATABASE_URL",
    "feedback": "ICTUS_DATABASE_URL",
    "inference": "ICTUS_REDIS_URL",
    "trainer": "ICTUS_REDIS_URL",
}
"""What each server names when it finds no secret."""

_REFUSAL_SECONDS: Final = 240.0

_FINDS_TORCH: Final = "import importlib.util; print(importlib.util.find_spec('torch') is not None)"


def broken_confinement(compose: Compose) -> Iterator[str]:
    """Say of each server in which way it may do more than it needs to."""
    for service in compose.servers:
        lines = compose.inside(service, "cat", "/proc/1/status").splitlines()
        status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
        if "0" in status["Uid"]:
            yield f"{service} runs as root"
        if any(int(status[kind][0], 16) for kind in ("CapPrm", "CapEff", "CapBnd")):
            yield f"{service} has capabilities"
        if status["NoNewPrivs"] != ["1"]:
            yield f"{service} may gain privileges"
        mounts = [line.split() for line in compose.inside(service, "cat", "/proc/1/mounts").splitlines()]
        if "ro" not in next(options for _, folder, _, options, *_ in mounts if folder == "/").split(","):
            yield f"{service} can write to its root file system"
        container = compose.container(service)
        if container.health is None:
            yield f"{service} has no health check"
        if container.memory_limit <= 0 or container.process_limit <= 0:
            yield f"{service} has no limit of memory or of processes"


def misplaced_torch(compose: Compose) -> Iterator[str]:
    """Say which image has torch and should not, or has not and should."""
    for service in compose.servers:
        if "build" in compose.services[service]:
            found = compose.inside(service, "python", "-c", _FINDS_TORCH).strip() == "True"
            if found != (service in WITH_TORCH):
                yield f"{service} {'has' if found else 'lacks'} torch"


def outdated_images(compose: Compose) -> Iterator[str]:
    """Say which image holds other Python code than this checkout: an old one, or another checkout's of the same name."""
    program = Path(code_digest.__file__).read_text()
    for service in compose.servers:
        dockerfile = compose.services[service].get("build", {}).get("dockerfile", "")
        sources = {
            "ictus": REPOSITORY / "packages/ictus/src/ictus",
            (name := Path(dockerfile).stem): REPOSITORY / "services" / name / "src" / name,
        }
        if not dockerfile or not sources[name].is_dir():
            continue
        inside = compose.inside(service, "python", "-c", program, *sources).split()
        if inside != [code_digest.of_folder(folder) for folder in sources.values()]:
            yield f"{service} runs other code than this checkout's: `make containers` builds it"


def started_without_secrets(bare: Compose) -> Iterator[str]:
    """Say which server of a project without secrets does not refuse to start, or not with the secret's name."""
    for service in bare.servers:
        try:
            done = bare.run(
                "run", "--rm", "-T", "--no-deps", service, check=False, timeout_s=_REFUSAL_SECONDS
            )
        except ContainersError:
            yield f"{service} runs on without its secrets"
            continue
        if done.returncode == 0:
            yield f"{service} starts without its secrets"
        elif REFUSALS[service] not in done.stdout + done.stderr:
            yield f"{service} does not say that {REFUSALS[service]} is missing"
