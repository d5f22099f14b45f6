"""The file that ``settings init`` writes, and what ``settings show`` shows."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from node.settings import Settings, example, load
from tests.support.prompt import perfusion_node as typed
from tests.unit.docs.test_administration import KEYS

_MARK = "   # an example: there is no default"


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "node.toml"
    path.write_text(text)
    return load(path)


def test_the_written_file_changes_nothing(tmp_path: Path) -> None:
    """As written it is the defaults; and so it is with every default taken in."""
    assert loaded(tmp_path, example()) == Settings()
    outside = re.split(r"^#\[.*\n(?:.*\n)*?(?=\n\[|\Z)", example(), flags=re.MULTILINE)
    every = "\n".join(
        line[1:] if re.match(r"#\w+ = ", line) and not line.endswith(_MARK) else line
        for line in "".join(outside).splitlines()
    )
    assert "port = 11112" in every.splitlines()
    assert loaded(tmp_path, every) == Settings()


def test_every_line_that_is_taken_in_is_a_valid_key(tmp_path: Path) -> None:
    """Examples included, the whole file is one that the node would start with."""
    whole = re.sub(r"^#(?! )", "", example(), flags=re.MULTILINE)
    settings = loaded(tmp_path, whole)
    assert [d.name for d in settings.destinations] == ["pacs", "archive"]
    assert settings.scp.allowed_peers[0].ae_title == "PACS"


def test_the_written_file_names_every_key_with_its_meaning() -> None:
    """Nothing has to be looked up elsewhere: each key follows the words that say what it is."""
    lines = example().splitlines()
    shown = set()
    section = ""
    for before, line in pairwise(lines):
        if header := re.fullmatch(r"#?\[+([a-z_.]+)\]+", line):
            section = f"{header[1]}."
        if key := re.match(r"#(\w+) = ", line):
            shown.add(section + key[1])
            assert before.startswith("# "), line
    inner = {key for key in KEYS if re.search(r"\.token|\.password\.|_secret\.", key)}
    sections = {key for key in KEYS if any(other.startswith(f"{key}.") for other in KEYS)}
    inline = {key for key in sections if key.endswith(("password", "_secret"))}
    assert KEYS - shown == inner | (sections - inline)


def test_init_writes_once(tmp_path: Path) -> None:
    """A file that is there is somebody's work: it is replaced only when asked for."""
    path = tmp_path / "node.toml"
    assert typed("settings", "init", "--out", str(path)).code == 0
    assert path.read_text() == example()
    path.write_text("mine")
    refused = typed("settings", "init", "--out", str(path))
    assert (refused.code, path.read_text()) == (2, "mine")
    assert typed("settings", "init", "--out", str(path), "--force").code == 0
    assert path.read_text() == example()


def test_show_says_where_a_value_comes_from_and_hides_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, environment and default are told apart; no secret is printed."""
    path = tmp_path / "node.toml"
    path.write_text(
        'database_url = "postgresql+psycopg://node:sesame@db/node"\n'
        '[[destinations]]\nname = "web"\nurl = "https://x"\ntoken = { env = "OPEN" }\n'
    )
    monkeypatch.setenv("OPEN", "sesame")
    monkeypatch.setenv("PERFUSION_NODE_SCP__PORT", "104")
    said = typed("settings", "show", "--config", str(path), "--json")
    assert "sesame" not in said.out
    assert said.json["database_url"] == {
        "value": "postgresql+psycopg://node:********@db/node",
        "from": "file",
    }
    assert said.json["scp.port"] == {"value": 104, "from": "environment"}
    assert said.json["scp.ae_title"] == {"value": "PERFUSION", "from": "default"}
    assert said.json["destinations.0.token.env"] == {"value": "OPEN", "from": "file"}
    changed = typed("settings", "show", "--config", str(path), "--changed")
    assert "scp.port" in changed.out
    assert "scp.ae_title" not in changed.out
