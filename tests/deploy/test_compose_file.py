"""What docker-compose.yml promises, as far as the file itself can say; ``python -m tests.containers`` asks the containers."""

import re
from pathlib import Path

import pytest
import yaml

from local.compose_secrets import write_compose_secrets

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OWN_IMAGES = {
    service["image"]: REPOSITORY / service["build"]["dockerfile"]
    for service in SERVICES.values()
    if "build" in service
}
FOR_OWNERSHIP = "objects-owner"


def runs_as(service):
    if "user" in service:
        return service["user"]
    lines = OWN_IMAGES[service["image"]].read_text().splitlines()
    return [line.split()[1] for line in lines if line.startswith("USER ")][-1]


def has_health_check(service):
    if "healthcheck" in service:
        return "test" in service["healthcheck"]
    return "\nHEALTHCHECK " in OWN_IMAGES[service["image"]].read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_container_may_do_no_more_than_it_needs(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    if name == FOR_OWNERSHIP:
        assert (service["user"], service["cap_add"], service["network_mode"]) == ("root", ["CHOWN"], "none")
    else:
        assert runs_as(service).partition(":")[0] not in {"root", "0"}
        assert "cap_add" not in service


def test_servers_have_health_checks_and_one_shots_end():
    needs = {need: wish for s in SERVICES.values() for need, wish in s.get("depends_on", {}).items()}
    one_shots = {
        need for need, wish in needs.items() if wish["condition"] == "service_completed_successfully"
    }
    for name, service in SERVICES.items():
        assert has_health_check(service) is (name not in one_shots), name
        assert service["restart"].startswith("on-failure:") is (name in one_shots), name
    assert {wish["condition"] for wish in needs.values()} <= {
        "service_healthy",
        "service_completed_successfully",
    }


def test_every_container_of_an_image_that_reads_secrets_is_given_its_own():
    mounts = {
        name: [volume for volume in service.get("volumes", []) if volume.endswith(":/run/secrets:ro")]
        for name, service in SERVICES.items()
        if service["image"] in OWN_IMAGES and name != FOR_OWNERSHIP
    }
    assert all(len(volumes) == 1 for volumes in mounts.values()), mounts
    for image in OWN_IMAGES:
        assert len({mounts[name][0] for name in mounts if SERVICES[name]["image"] == image}) == 1, image


def test_only_the_gateway_the_edge_before_it_the_dicom_listener_and_grafana_are_reached_from_outside():
    doors = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(doors) == {"dimse", "edge", "gateway", "grafana"}
    assert all(port.startswith("127.0.0.1:") for name in doors for port in doors[name] if name != "edge")
    reach_out = {"gateway-deliveries"}  # to destinations; nothing reaches it
    outside = {name for name, service in SERVICES.items() if "outside" in service.get("networks", [])}
    assert outside == set(doors) | reach_out
    assert SERVICES["edge"]["networks"] == ["outside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_edge_gpu_and_observability_are_there_for_those_who_ask_for_them():
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "edge": ["edge"],
        "inference-gpu": ["gpu"],
        "prometheus": ["observability"],
        "grafana": ["observability"],
    }


def test_prometheus_asks_where_something_answers():
    observability = REPOSITORY / "deploy" / "observability"
    jobs = yaml.safe_load((observability / "prometheus.yml").read_text())["scrape_configs"]
    asked = {}
    for job in jobs:
        for found in job.get("static_configs", []):
            asked |= {host: int(port) for host, _, port in (t.partition(":") for t in found["targets"])}
        asked |= {name: found["port"] for found in job.get("dns_sd_configs", []) for name in found["names"]}
    assert set(asked) == {"gateway", "gateway-tasks", "feedback", "inference", "inference-gpu", "trainer"}
    for host, port in asked.items():
        assert "inside" in SERVICES[host]["networks"]
        assert port == (8000 if host in {"gateway", "feedback"} else 9100)
        assert port == 8000 or SERVICES[host]["environment"]["ICTUS_METRICS_PORT"] == "9100"
    source = yaml.safe_load(
        (observability / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


def test_every_image_is_built_once():
    images = [service["image"] for service in SERVICES.values() if "build" in service]
    assert sorted(images) == sorted(set(images))
    unbuilt = {service["image"] for service in SERVICES.values()} - set(images)
    assert not [image for image in unbuilt if image.startswith("ictus")]


def test_every_setting_of_the_file_is_explained_in_the_example_and_no_other():
    settings = set(re.findall(r"(?<!\$)\$\{(\w+)", (REPOSITORY / "docker-compose.yml").read_text()))
    example = (REPOSITORY / ".env.example").read_text()
    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)) == settings


def test_make_secrets_writes_every_file_that_is_mounted_and_none_stands_in_the_compose_file(tmp_path):
    folder = tmp_path / "secrets"
    write_compose_secrets(folder)
    text = (REPOSITORY / "docker-compose.yml").read_text()
    for name, service in SERVICES.items():
        sources = [
            volume.rpartition("}/")[2].split(":")[0]
            for volume in service.get("volumes", [])
            if "}/" in volume
        ]
        for source in [*sources, *(file.rpartition("}/")[2] for file in service.get("env_file", []))]:
            made = folder / source
            assert made.is_file() or list(made.iterdir()), f"{name}: {source}"
    for file in folder.rglob("*"):
        if file.is_file():
            assert file.stat().st_size
            assert file.read_text().strip() not in text
    assert (folder.stat().st_mode & 0o077) == 0
