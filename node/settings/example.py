"""The settings as a commented file: every key with its default and meaning."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from node.settings.destinations import WebDestination
from node.settings.keys import Key, keys_of
from node.settings.secret import Secret
from node.settings.whole import Settings

EXAMPLE = "   # an example: there is no default"
_WIDTH = 98
_HEAD = """\
# Settings of the Perfusion Node. What begins with "#" and no blank is a key with its default: take
# the "#" away to change it. Each key can also come from the environment, which wins:
# PERFUSION_NODE_SCP__PORT=104, or PERFUSION_NODE_DATABASE_URL_FILE=/run/secrets/database where the
# value is in a file. See what is in effect with: perfusion-node settings show
"""
# What a key without a default may look like.
_EXAMPLES: dict[str, Any] = {
    "ae_title": "PACS",
    "port": 104,
    "name": "pacs",
    "url": "https://archive.example.org/dicom-web",
    "token": {"file": "/run/secrets/archive-token"},
    "password": {"file": "/run/secrets/password"},
    "user": "perfusion",
    "ca": "/etc/perfusion-node/ca.pem",
    "cert": "/etc/perfusion-node/node.pem",
    "key": "/etc/perfusion-node/node.key",
    "client_secret": {"file": "/run/secrets/oidc"},
    "role": "viewer",
    "action": "skip",
    "index_interval_s": 1.5,
    "min_thickness_mm": 2.0,
    "max_thickness_mm": 10.0,
    "model": "/opt/models/other.onnx",
    "destinations": ["pacs"],
    "results": ["colour", "summary_page", "report"],
}


def example() -> str:
    """A settings file that changes nothing: every key is there, and every one is a comment."""
    return "\n".join((_HEAD, *_section(Settings, ""))) + "\n"


def _section(section: type[BaseModel], name: str) -> Iterator[str]:
    """The keys of a section, then the sections in it: TOML wants them in this order."""
    keys = keys_of(section)
    for key in keys:
        if not _is_table(key):
            yield from _entry(key, section)
    for key in keys:
        inner = f"{name}.{key.name}".lstrip(".")
        if key.is_list:
            yield from _blocks(key, inner)
        elif _is_table(key):
            yield ""
            yield from _comment(key.meaning)
            yield f"[{inner}]" if key.field.default is not None else f"#[{inner}]"
            yield from _section(key.sections[0], inner)


def _blocks(key: Key, name: str) -> Iterator[str]:
    for kind in key.sections:
        yield ""
        yield from _comment(key.meaning)
        yield from _comment(" ".join((kind.__doc__ or "").replace("``", "").split()))
        yield f"#[[{name}]]"
        for line in _section(kind, name):
            yield f"#{line}" if line.startswith("[") else line


def _entry(key: Key, section: type[BaseModel]) -> Iterator[str]:
    if (section, key.name) == (WebDestination, "token"):  # it excludes the password
        return
    yield from _comment(key.meaning)
    default = key.field.default
    if default in (None, PydanticUndefined) or key.name == "user":
        shown = "archive" if (section, key.name) == (WebDestination, "name") else None
        yield f"#{key.name} = {toml(shown or _EXAMPLES[key.name])}{EXAMPLE}"
    else:
        yield f"#{key.name} = {toml(default)}"


def _is_table(key: Key) -> bool:
    """Whether a key holds sections of its own, rather than a value or one small inline table."""
    return key.is_list or bool(set(key.sections) - {Secret})


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH):
        yield f"# {line}"


def toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Path | str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(each) for each in value)}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return str(value)
