"""The settings out of their file and the environment, or every problem at once."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from node.errors import SettingsError
from node.settings import environment
from node.settings.destinations import KINDS, Destination, WebDestination
from node.settings.keys import key_at, nearest
from node.settings.section import ENVIRONMENT_PREFIX
from node.settings.whole import Settings

_OF_DICOM = Destination.model_fields.keys() - WebDestination.model_fields.keys()


def load(path: Path | None = None) -> Settings:
    """The settings from a TOML file (``path``, else ``PERFUSION_NODE_CONFIG``) and environment.

    Raises
    ------
    SettingsError
        If the file cannot be read or any key is wrong; every problem is named at once.
    """
    named = path or settings_file()
    problems = environment.unknown()
    from_files, unreadable = environment.from_files()
    problems += unreadable
    values = _merged(read_toml(named) if named else {}, from_files)
    try:
        settings = Settings(**values)
    except ValidationError as wrong:
        problems += [in_words(each) for each in wrong.errors()]
    else:
        if not problems:
            return settings
    source = str(named) if named else "the environment"
    raise SettingsError(f"{len(problems)} problem(s) in {source}:\n" + "\n".join(problems))


def settings_file() -> Path | None:
    """The file that the environment names."""
    named = os.environ.get(f"{ENVIRONMENT_PREFIX}CONFIG")
    return Path(named) if named else None


def read_toml(path: Path) -> dict[str, Any]:
    """What a settings file says, unchecked.

    Raises
    ------
    SettingsError
        If it is not there, or is no TOML.
    """
    if not path.is_file():
        raise SettingsError(
            f"the settings file {path} does not exist",
            "Name one that is there with --config or PERFUSION_NODE_CONFIG, or write one with: "
            "perfusion-node settings init",
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise SettingsError(f"{path} is not valid TOML: {problem}") from problem


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section; where both have a key, that of ``over``."""
    merged = dict(under)
    for key, value in over.items():
        before = merged.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return merged


def in_words(error: ErrorDetails, *section: str) -> str:
    """A problem by its key, with what is wrong, what stands there, and what the key is for."""
    place = [*section, *(part for part in error["loc"] if part not in KINDS)]
    name = ".".join(map(str, place))
    known = ".".join(part for part in place if isinstance(part, str))
    if error["type"] == "extra_forbidden":
        return f"{name}: {_no_such_key(known, place)}"
    said = error["msg"].removeprefix("Value error, ")
    if isinstance(error["input"], int | float):  # text may be a secret, and is not repeated
        said += f"; it says {str(error['input']).lower()}"
    key = key_at(known)
    return f"{name}: {said}" if key is None else f"{name}: {said} ({_help(key.meaning)})"


def _no_such_key(known: str, place: list[int | str]) -> str:
    if key_at(known):  # of the other kind of block
        return f"it is not permitted in this kind of block, only in {_other_kind(known)}"
    near = nearest(known)
    head = ".".join(map(str, place[:-1]))
    if near.rpartition(".")[0] == ".".join(p for p in place[:-1] if isinstance(p, str)):
        near = ".".join(filter(None, (head, near.rpartition(".")[2])))
    return f"there is no such key{f'; did you mean {near}?' if near else ''}"


def _other_kind(known: str) -> str:
    key = known.rpartition(".")[2]
    return "one without a url" if key in _OF_DICOM else "one with a url"


def _help(meaning: str) -> str:
    return meaning[:1].lower() + meaning[1:].rstrip(".")
