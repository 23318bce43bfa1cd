"""The dashboard and the alerts speak of metrics that the application has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import app.core.telemetry  # noqa: F401  (registers the metrics)
from app.operations.run_counts import RunCounts

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    *("sum", "rate", "min", "delta", "topk", "histogram_quantile", "by", "or", "vector"),
    *("job", "status", "path", "method", "stage", "kind", "le", "uam", "instance"),
}
# Made by Prometheus itself, and by its client for every Linux process.
GIVEN = {"up", "process_resident_memory_bytes"}


def exposed() -> set[str]:
    names = set(GIVEN)
    for metric in (*REGISTRY.collect(), *RunCounts({}).collect()):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        names |= {metric.name + suffix for suffix in suffixes.get(metric.type, [""])}
    return names


def asked_of(expression: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', "", expression)
    words = set(re.findall(r"[a-z_][a-z_0-9]*", re.sub(r"\[\w+\]|offset \w+", "", bare)))
    return words - FUNCTIONS


def worker_port() -> int:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return int(compose["services"]["worker"]["environment"]["UAM_METRICS_PORT"])


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "deploy/grafana/dashboards/uam.json").read_text())
    return document


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_every_panel_asks_for_metrics_that_exist() -> None:
    panels = dashboard()["panels"]
    asked = {name for p in panels for t in p["targets"] for name in asked_of(t["expr"])}
    assert asked - exposed() == set()
    assert {"http_requests_total", "uam_runs_unfinished", "uam_predictions_total"} <= asked


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert len({p["id"] for p in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (p["gridPos"] for p in panels):
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not taken & cells
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_every_panel_uses_the_provisioned_source() -> None:
    folder = ROOT / "deploy/grafana/provisioning"
    source = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"][0]
    assert {p["datasource"]["uid"] for p in dashboard()["panels"]} == {source["uid"]}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_alert_asks_for_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert asked_of(rule["expr"]) - exposed() == set()
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]


def test_prometheus_scrapes_the_api_and_loads_the_alerts() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["web:8000"]}]
    assert job["dns_sd_configs"] == [{"names": ["worker"], "type": "A", "port": worker_port()}]
    assert [Path(p).name for p in config["rule_files"]] == ["alerts.yml"]
