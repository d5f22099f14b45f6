"""Alert rules and board: valid, and about metrics that the node exports."""

import json
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from node.ports import Alert, AlertRecord, CanaryRun, GpuVitals, ListenerVitals, WorkerRecord
from node.status import metrics
from tests.support import night
from tests.support.peers import require

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES = DEPLOY / "prometheus" / "perfusion_rules.yml"
BOARD = DEPLOY / "grafana" / "perfusion-node.json"
# Of these only alerts take notice, or nobody needs a curve.
NOT_SHOWN = {
    "perfusion_node_info",
    "perfusion_node_paused",
    "perfusion_node_disk_low",
    "perfusion_node_canary_age_seconds",
    "perfusion_node_conflicts_total",
    "perfusion_node_turned_away_total",
}


def exported() -> set[str]:
    """The name of every sample of a node on which everything has happened."""
    archive, probes = night.archive(), night.probes()
    now = probes.now()
    archive.reported.append(
        WorkerRecord(
            *("host|r|1|2", ("analyse", "deliver"), "CUDA", "1", now, now),
            gpus=(GpuVitals("H200", 0.8, 1, 2),),
        )
    )
    archive.runs.append(CanaryRun("1.2", "1.2.3", now - timedelta(1), now, good=True))
    archive.troubles.append(AlertRecord(Alert("a", "b", "c"), now, None, None))
    vitals = ListenerVitals("host", 1.0, 2, {"instances": 3}, {"0000": 3, "A700": 1})
    text = metrics.text(archive, replace(probes, listeners=lambda: [vitals])).decode()
    families = list(text_string_to_metric_families(text))
    empty = {family.name for family in families if not family.samples}
    return empty | {sample.name for family in families for sample in family.samples}


def expressions(path: Path) -> list[str]:
    if path == RULES:
        return [r["expr"] for g in yaml.safe_load(path.read_text())["groups"] for r in g["rules"]]
    panels = json.loads(path.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def named_in(path: Path) -> set[str]:
    return {name for e in expressions(path) for name in re.findall(r"perfusion_node_[a-z_]+", e)}


def test_the_rules_are_valid() -> None:
    """Prometheus' own tool reads them, and every rule says what to do."""
    promtool = require("promtool", package="prometheus")
    checked = subprocess.run(
        [promtool, "check", "rules", str(RULES)], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "action"}


def test_prometheus_reads_its_settings_and_asks_a_service_that_is_there() -> None:
    """With the rules beside them, as the container has both; what it asks is the status page."""
    promtool = require("promtool", package="prometheus")
    file = DEPLOY / "prometheus" / "prometheus.yml"
    checked = subprocess.run(
        [promtool, "check", "config", "--syntax-only", str(file)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    settings = yaml.safe_load(file.read_text())
    assert all(fnmatch(f"/etc/prometheus/{RULES.name}", p) for p in settings["rule_files"])
    services = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())["services"]
    mounted = services["prometheus"]["volumes"]
    for name in (file.name, RULES.name):
        assert any(
            each == "./deploy/prometheus:/etc/prometheus:ro" or f"/etc/prometheus/{name}" in each
            for each in mounted
        )
    (job,) = settings["scrape_configs"]
    for target in (t for each in job["static_configs"] for t in each["targets"]):
        service, _, port = target.partition(":")
        assert str(port) in str(services[service]["ports"])


def test_grafana_finds_board_and_source() -> None:
    """Each panel's source is the one that is provisioned; the folder of boards is mounted."""
    folder = DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    (boards,) = yaml.safe_load((folder / "dashboards" / "perfusion-node.yml").read_text())[
        "providers"
    ]
    services = yaml.safe_load((DEPLOY.parent / "docker-compose.yml").read_text())["services"]
    host, _, port = source["url"].removeprefix("http://").partition(":")
    assert (host in services, port) == (True, "9090")
    assert any(boards["options"]["path"] in each for each in services["grafana"]["volumes"])
    assert any("/etc/grafana/provisioning" in each for each in services["grafana"]["volumes"])
    board = json.loads(BOARD.read_text())
    asked = [panel["datasource"] for panel in board["panels"] if panel.get("targets")]
    assert asked
    for each in asked:
        assert (each["type"], each["uid"]) == (source["type"], source["uid"])
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", [RULES, BOARD], ids=lambda path: path.name)
def test_every_metric_that_is_named_is_exported(path: Path) -> None:
    """A rule about a metric that does not exist never fires, and a panel of it stays empty."""
    assert named_in(path)
    assert named_in(path) - exported() == set()


def test_every_metric_stands_on_the_board() -> None:
    """What is measured is seen."""
    assert exported() - named_in(BOARD) - NOT_SHOWN == set()


def test_rules_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """Prometheus itself plays a night: a disk that fills, a canary that fails, a quiet node."""
    series = {
        'perfusion_node_disk_full{instance="a"}': "0 0 1 1 1 1",
        'perfusion_node_canary_good{instance="a"}': "1 1 1 0 0 0",
        'perfusion_node_redis_up{instance="a"}': "1 1 1 1 1 1",
    }
    full, canary = "PerfusionNodeNothingReceived", "PerfusionNodeCanaryFailed"
    quiet = [(m, name) for m in (1,) for name in (full, canary, "PerfusionNodeRedisDown")]
    cases = [(*q, False) for q in quiet] + [(4, full, True), (4, canary, True)]
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    told = {rule["alert"]: rule for rule in rules}
    checks = [
        {
            "eval_time": f"{minute}m",
            "alertname": name,
            "exp_alerts": [
                {
                    "exp_labels": {"instance": "a", **told[name]["labels"]},
                    "exp_annotations": told[name]["annotations"],
                }
            ]
            * fires,
        }
        for minute, name, fires in cases
    ]
    night_of = {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "alert_rule_test": checks,
    }
    plan = {"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": [night_of]}
    (tmp_path / "night.yml").write_text(yaml.safe_dump(plan))
    promtool = require("promtool", package="prometheus")
    played = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "night.yml")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert played.returncode == 0, played.stdout + played.stderr
