"""The Kubernetes manifests give each part what the compose file gives it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
K8S = REPOSITORY / "deploy" / "k8s"
READERS = REPOSITORY / "deploy" / "docker" / "objects-reader.sh"
SERVICES = ("feedback", "inference", "trainer")


def objects(*files: str) -> Iterator[dict[str, Any]]:
    for file in files:
        yield from (one for one in yaml.safe_load_all((K8S / file).read_text()) if one)


def container(name: str, *files: str) -> dict[str, Any]:
    """The container of this name in the manifests."""
    found: dict[str, Any] = next(
        one
        for described in objects(*files)
        for one in described.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
        if one["name"] == name
    )
    return found


def told(name: str) -> set[str]:
    """The variables that a service's container has."""
    addresses = next(one for one in objects("base/addresses.yaml") if one["metadata"]["name"] == "addresses")
    return set(addresses["data"]) | {
        one["name"] for one in container(name, f"base/{name}.yaml").get("env", ())
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_in_a_cluster_what_it_is_told_by_compose(service: str) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"][service]
    assert set(compose["environment"]) <= told(service)


def test_what_the_trainer_replays_lies_on_a_volume_that_it_may_only_read() -> None:
    trainer = container("trainer", "base/trainer.yaml")
    paths = {one["name"]: one["value"] for one in trainer["env"]}
    mounts = {one["mountPath"]: one for one in trainer["volumeMounts"]}
    assert mounts[paths["ICTUS_REPLAY_DATASET"]]["readOnly"] is True
    claims = {
        one["metadata"]["name"]
        for one in objects("base/trainer.yaml")
        if one["kind"] == "PersistentVolumeClaim"
    }
    assert {mounts[paths["ICTUS_REPLAY_DATASET"]]["name"], "training"} == claims


def test_the_job_that_makes_the_reading_accounts_hands_over_all_that_its_script_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", READERS.read_text()))
    job = container("objects-reader", "components/servers/servers.yaml")
    assert {"SCANS_ACCESS_KEY", "READER_SECRET_KEY"} <= asked
    assert asked <= set(re.findall(r"[A-Z_]{5,}", job["command"][-1]))


@pytest.mark.parametrize("service", ["gateway", *SERVICES])
def test_whoever_reads_objects_may_reach_them(service: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects("components/servers/network.yaml")}
    let_in = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for peer in policies["to-minio"]["ingress"][0]["from"]
    ]
    let_out = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policies[f"servers-from-{service}"]["egress"]
        for peer in rule["to"]
    ]
    assert service in let_in
    assert "minio" in let_out
