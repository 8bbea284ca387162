"""Alerts and dashboards ask for what the processes tell, and lead to a paragraph that says what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from gateway.operations import metrics as gateway_metrics
from gateway.resources import utc_now
from ictus.http import HttpMetrics
from inference.metrics import WorkerMetrics

CHECKOUT = Path(__file__).parents[2]
OBSERVABILITY = CHECKOUT / "deploy" / "observability"
RULES = yaml.safe_load((OBSERVABILITY / "rules" / "ictus.yml").read_text())
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))
_METRIC = re.compile(r"\b(ictus_[a-z_]+|process_[a-z_]+)\b")


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def samples_of(registry: CollectorRegistry) -> set[str]:
    """Every name that a scrape can hold."""
    endings = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
    return {
        family.name + ending for family in registry.collect() for ending in endings.get(family.type, ("",))
    }


@pytest.fixture(scope="module")
def told() -> set[str]:
    """The names of all metrics, as the code declares them; the features' gauges by their source."""
    sources = (CHECKOUT / "services" / "gateway" / "src" / "gateway").glob("*/figures.py")
    gauges = {name for source in sources for name in re.findall(r'"(ictus_[a-z_]+)"', source.read_text())}
    registry = CollectorRegistry()
    HttpMetrics(registry)
    gateway = gateway_metrics.GatewayMetrics(None, utc_now, None)  # type: ignore[arg-type]  never asked here
    gateway.registry.unregister(gateway.figures)
    worker = WorkerMetrics(lambda: ["0.2.0"])
    return (
        gauges
        | {"ictus_database_up"}
        | samples_of(registry)
        | samples_of(gateway.registry)
        | samples_of(worker.registry)
    )


def test_every_alert_asks_for_what_is_told(told: set[str]) -> None:
    for rule in rules():
        assert set(_METRIC.findall(rule["expr"])) <= told, rule


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_asks_for_what_is_told(path: Path, told: set[str]) -> None:
    board = json.loads(path.read_text())
    assert board["uid"] == path.stem
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for panel in board["panels"]:
        for target in panel["targets"]:
            assert set(_METRIC.findall(target["expr"])) <= told, panel["title"]
            assert set(re.findall(r"\bictus:[a-z_:0-9]+", target["expr"])) <= recorded, panel["title"]


def test_every_alert_leads_to_what_to_do() -> None:
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    alerts = [rule for rule in rules() if "alert" in rule]
    assert alerts
    for rule in alerts:
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert page == "docs/operations.md"
        assert anchor in anchors, rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
