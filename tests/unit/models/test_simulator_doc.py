"""The simulator's page names what there is, and all of it."""

import dataclasses
import re
import shlex

import pytest
from typer.testing import CliRunner

import models.procedural
import models.simulator
from models.__main__ import app
from models.simulator import ACQUISITIONS, FURTHER, PATHOLOGIES, VENDORS, Faults, Movement, Realism
from tests.support.documents import ROOT, code_of

PAGE = ROOT / "docs" / "simulator.md"
CODE = list(code_of(PAGE))
KINDS = {*PATHOLOGIES, *FURTHER, *ACQUISITIONS, *VENDORS}
FIELDS = {field.name for kind in (Realism, Faults, Movement) for field in dataclasses.fields(kind)}
COMMANDS = [line for line in CODE if line.startswith("python -m models ")]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_pathology_scheme_and_vendor_is_on_the_page(name):
    """What can be asked for can be looked up."""
    assert name in CODE


def test_every_name_on_the_page_exists():
    """A pathology, option or function that is named is one; a reader will type it."""
    doors = {*models.simulator.__all__, *models.procedural.__all__, "not_perfusion"}
    words = [word for word in CODE if re.fullmatch(r"[a-z]+(_[a-z]+)+", word)]
    assert len(words) > 10
    assert {*words} <= KINDS | FIELDS | doors


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_the_page_parses(command):
    """Command and options are the workshop's own."""
    name, *options = shlex.split(command)[3:]
    asked = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
    assert asked.exit_code == 0
    assert all(option in asked.output for option in options if option.startswith("--"))


def test_every_picture_on_the_page_is_there():
    """A picture that was not committed is a hole in the page."""
    pictures = re.findall(r"\]\((images/[^)]+)\)", PAGE.read_text())
    assert len(pictures) == 5
    assert all((PAGE.parent / picture).exists() for picture in pictures)
