"""The Kubernetes manifests, against the schemas of Kubernetes and against the node itself."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from typer.testing import CliRunner

from node.cli.app import application
from node.ports import SeriesState
from node.settings import load
from node.wiring import Node
from tests.support.bench_node import bench_settings, complete_series
from tests.support.peers import PIP, require
from tests.unit.deploy.test_container_files import KNOWN

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
VERSIONS = ("1.29", "1.33")
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    each
    for name in KUSTOMIZATION["resources"]
    for each in yaml.safe_load_all((FOLDER / name).read_text())
]
WORKLOADS = {
    each["metadata"]["name"]: each["spec"]["template"]["spec"]
    for each in OBJECTS
    if each["kind"] in {"Deployment", "StatefulSet"}
}
PARTS = {name: spec for name, spec in WORKLOADS.items() if name != "redis"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_is_what_kubernetes_expects(version: str) -> None:
    """Against the published schemas, where an unknown field is a fault; KEDA has none."""
    validate = require("kubernetes-validate", package="kubernetes-validate", installer=PIP)
    files = [FOLDER / name for name in KUSTOMIZATION["resources"] if name != "scaling.yaml"]
    done = subprocess.run(
        [validate, "--strict", "-k", version, *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARN" not in done.stdout + done.stderr


def test_every_file_of_the_folder_is_applied() -> None:
    """A manifest that kustomization.yaml does not name would be forgotten."""
    named = {*KUSTOMIZATION["resources"], "kustomization.yaml", "node.toml"}
    assert {path.name for path in FOLDER.iterdir()} == named


@pytest.mark.parametrize("name", PARTS)
def test_every_part_runs_a_command_with_settings_that_exist(name: str) -> None:
    """At the real prompt; a variable that no setting reads would be ignored."""
    (container,) = PARTS[name]["containers"]
    outcome = CliRunner().invoke(application(), [*container["args"], "--help"])
    assert outcome.exit_code == 0, outcome.output
    assert {each["name"] for each in container["env"]} - KNOWN == set()


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_is_probed_and_locked_down(name: str) -> None:
    """No root, no capability, no writable program; and it is known when it hangs."""
    (container,) = WORKLOADS[name]["containers"]
    assert WORKLOADS[name]["securityContext"]["runAsNonRoot"] is True
    assert WORKLOADS[name]["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "livenessProbe" in container
    if name in {"scp", "analyse", "deliver"}:
        asked = container["livenessProbe"]["exec"]["command"]
        assert asked == ["perfusion-node", "alive", name]


def test_the_settings_are_valid() -> None:
    """The file that becomes the ConfigMap loads."""
    assert load(FOLDER / "node.toml").scp.ae_title == "PERFUSION"


def test_services_and_policies_select_pods_that_are_there() -> None:
    """A selector that matches nothing is silence."""
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in OBJECTS
        if each["kind"] in {"Deployment", "StatefulSet"}
    ]
    for each in OBJECTS:
        selector: dict[str, str] = {}
        if each["kind"] == "Service":
            selector = each["spec"]["selector"]
        if each["kind"] == "NetworkPolicy":
            selector = each["spec"]["podSelector"].get("matchLabels", {})
        assert any(selector.items() <= of_a_pod.items() for of_a_pod in labels), each


def test_workers_are_counted_by_a_question_that_the_registry_answers(tmp_path: Path) -> None:
    """The scaler's own SQL, on a registry with one series that waits."""
    (scaler,) = (each for each in OBJECTS if each["kind"] == "ScaledObject")
    assert scaler["spec"]["scaleTargetRef"]["name"] in PARTS
    (trigger,) = scaler["spec"]["triggers"]
    settings = bench_settings(tmp_path)
    with Node(settings) as node:
        complete_series(node)
    with sa.create_engine(settings.database).connect() as connection:
        assert connection.exec_driver_sql(trigger["metadata"]["query"]).scalar_one() == 1
    states = {state for state in SeriesState if f"'{state}'" in trigger["metadata"]["query"]}
    assert states == {SeriesState.COMPLETE, SeriesState.ANALYSING}
