"""What the documents tell an administrator to type, set and look for exists."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner

from node.cli.app import application
from node.ports import SeriesState
from node.refusals import RefusalCode
from node.settings import ALL_RESULTS, Settings
from tests.house.test_log import NODE, events
from tests.support.documents import DOCUMENTS, ROOT, code_of, table
from tests.support.guarded import guarded
from tests.unit.docs.test_results import flag_codes

COMMANDS = sorted(
    {
        (path, found[1].strip())
        for path in DOCUMENTS
        for line in code_of(path)
        if (found := re.search(r"perfusion-node ((?:[a-z]|--)[^#|>&`]*)", line))
    }
)
RUNBOOK = ROOT / "deploy" / "RUNBOOK.md"


def prompt() -> Any:
    """The group of commands; its class is typer's own."""
    return typer.main.get_command(application())


def named(each: tuple[Path, str]) -> str:
    return f"{each[0].name}: {each[1]}"


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_every_command_of_the_documents_parses_at_the_real_prompt(
    command: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command, options and arguments are the prompt's own; --help answers for each."""
    for folder in ("FOLDER", "OURS", "THEIRS"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    name, *arguments = shlex.split(command[1])
    if arguments:  # a command that is only mentioned has none
        prompt().commands[name].make_context(name, arguments)
    assert CliRunner().invoke(application(), [name, "--help"]).exit_code == 0


def test_an_option_that_does_not_exist_is_seen() -> None:
    """The check above finds a wrong option."""
    with pytest.raises(Exception, match="No such option"):
        prompt().commands["retry"].make_context("retry", ["ID", "--at-once"])


def test_the_documents_show_every_command() -> None:
    """Whoever reads finds each command at least once."""
    assert set(prompt().commands) - {command.split()[0] for _, command in COMMANDS} == set()


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a key holds, alone or in a list of one kind or several."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for part in get_args(annotation) for section in sections_of(part)]


def settings_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the settings, with dots; a list and the keys of its blocks."""
    for name, field in model.model_fields.items():
        sections = sections_of(field.annotation)
        if sections != [field.annotation]:
            yield prefix + name
        for section in sections:
            yield from settings_keys(section, f"{prefix}{name}.")


KEYS = set(settings_keys(Settings))
IN_WORDS = {
    "destinations.results": "all but colour_multiframe, derived_ct and rejection_note",
    "model.path": "the shipped one",
}
WORDS = {
    *(event for path in NODE.rglob("*.py") for event in events(path.read_text())),
    *(key.rpartition(".")[2] for key in KEYS),
    *map(str, RefusalCode),
    *flag_codes(),
    *ALL_RESULTS,
}
# The workshop's page names the workshop's things: tests/unit/models holds it against them.
WORKSHOP = ROOT / "docs" / "simulator.md"
PLAIN = [
    p
    for p in DOCUMENTS
    if p.parent != ROOT / "docs" / "decisions" and "models" not in str(p) and p != WORKSHOP
]


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.name)
def test_every_key_and_name_in_a_document_exists(path: Path) -> None:
    """A setting, event, code or kind that is named is one; a reader will search for it."""
    sections = {key.partition(".")[0] for key in KEYS if "." in key}
    for code in code_of(path):
        word = code.partition(" = ")[0]
        # Tests that are named are held against the tests, in test_reliability.py.
        if re.fullmatch(r"(?!test_)[a-z]+(_[a-z]+)+", word):
            assert word in WORDS
        if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", word) and word.partition(".")[0] in sections:
            assert word in KEYS or (NODE / word.partition(".")[0]).is_dir()


def test_every_setting_is_documented_with_its_default() -> None:
    """The table of settings is whole, and its defaults are the code's."""
    rows = table(ROOT / "docs" / "administration.md", "Settings")
    assert {row["key"] for row in rows} == KEYS
    for row in rows:
        assert row["default"] == IN_WORDS.get(row["key"], default(row["key"])), row["key"]


def default(key: str) -> str:
    """A setting's default as a settings file has it; empty where there is none."""
    kinds: list[type[BaseModel]] = [Settings]
    for part in key.split("."):
        field = next(k.model_fields[part] for k in kinds if part in k.model_fields)
        kinds = sections_of(field.annotation)
    value = "" if field.is_required() or field.default in ((), None) else field.default
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_the_runbook_names_states_as_they_are_shown() -> None:
    """The first column is what an administrator sees."""
    seen = re.findall(r"^\| ([^|]+) \|", RUNBOOK.read_text(), re.MULTILINE)
    states = {word for cell in seen for word in re.findall(r"\b[A-Z]{5,}\b", cell)}
    assert states
    assert states - set(SeriesState) == set()


def test_every_request_in_the_documents_has_a_route(tmp_path: Path) -> None:
    """The API's table names no path that answers 404."""
    text = (ROOT / "docs" / "administration.md").read_text()
    asked = re.findall(r"`(GET|POST) (/[a-zA-Z/]+)", text)
    assert len(asked) > 5
    with guarded(tmp_path) as page:
        app = page.app()
    routes = [
        (method.upper(), re.compile(re.sub(r"{\w+}", "[A-Za-z]+", path)))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    ]
    unknown = [
        (method, path)
        for method, path in asked
        if not any(m == method and known.fullmatch(path) for m, known in routes)
    ]
    assert unknown == []
