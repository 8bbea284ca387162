"""What docker-compose.yml promises, as far as the file itself can say; ``python -m tests.containers`` asks the containers."""

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


def test_only_the_gateway_is_reached_from_outside_and_only_on_the_loopback_address():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["gateway"]["ports"])
    assert [name for name, service in SERVICES.items() if "outside" in service.get("networks", [])] == [
        "gateway"
    ]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


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
