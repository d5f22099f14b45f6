"""The container files name only what exists: commands, settings, mounted files.

No Docker engine is at hand where this was written, so the files are parsed and held against
the node itself.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from node.cli.app import application
from node.settings import ENVIRONMENT_PREFIX, Destination, Settings, WebDestination, load

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {
    name: service
    for name, service in SERVICES.items()
    if "perfusion-node" in str(service.get("image", ""))
}


@pytest.mark.parametrize("name", OURS)
def test_every_container_runs_a_command_that_exists(name: str) -> None:
    """A part's command answers --help at the real prompt."""
    outcome = CliRunner().invoke(application(), [*OURS[name]["command"], "--help"])
    assert outcome.exit_code == 0, outcome.output


def setting_keys(model: Any, prefix: str = "") -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(f"{prefix}{name}".upper())
        if hasattr(field.annotation, "model_fields"):
            keys |= setting_keys(field.annotation, f"{prefix}{name}__")
    return keys


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    """An environment variable that no setting reads would be silently ignored."""
    known = {f"{ENVIRONMENT_PREFIX}{key}" for key in [*setting_keys(Settings), "CONFIG"]}
    assert set(OURS[name]["environment"]) <= known


def test_every_mounted_file_exists() -> None:
    """A bind mount of a missing file becomes an empty folder in the container."""
    mounts = [m for s in SERVICES.values() for m in s.get("volumes", []) if m.startswith("./")]
    assert mounts
    assert [m for m in mounts if not (ROOT / m.split(":")[0]).is_file()] == []


def test_volumes_in_use_are_declared() -> None:
    """Named volumes are declared, so that data outlives the containers."""
    named = {
        m.split(":")[0]
        for s in SERVICES.values()
        for m in s.get("volumes", [])
        if not m.startswith("./")
    }
    assert named == set(COMPOSE["volumes"])


def test_the_shipped_settings_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """deploy/node.toml loads, and its destination is the demo's Orthanc."""
    monkeypatch.delenv(f"{ENVIRONMENT_PREFIX}CONFIG", raising=False)
    settings = load(ROOT / "deploy" / "node.toml")
    assert [d.host for d in settings.destinations] == ["orthanc"]
    assert "orthanc" in SERVICES


def test_the_commented_keys_of_the_shipped_settings_exist() -> None:
    """Every key that deploy/node.toml shows as a comment can be switched on as it stands."""
    section, wrong = "", []
    for line in (ROOT / "deploy" / "node.toml").read_text().splitlines():
        if header := re.match(r"\[+(\w+)\]+", line):
            section = header[1]
        elif (key := re.match(r"# (\w+) = ", line)) and not _is_key(section, key[1]):
            wrong.append(f"{section}.{key[1]}")
    assert wrong == []


def _is_key(section: str, key: str) -> bool:
    models: tuple[Any, ...] = (Settings,)
    if section == "destinations":
        models = (Destination, WebDestination)
    elif section:
        models = (Settings.model_fields[section].annotation,)
    return any(key in model.model_fields for model in models)


def test_the_image_runs_as_nobody_special() -> None:
    """The container's process is no root, and the image copies what the wheel needs."""
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^USER perfusion$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for part in source.split():
            assert (ROOT / part).exists(), part
