"""The settings out of their file and the environment, or every problem at once."""

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import TomlConfigSettingsSource

from node.errors import SettingsError
from node.settings.destinations import KINDS
from node.settings.section import ENVIRONMENT_PREFIX
from node.settings.whole import Settings


def load(path: Path | None = None) -> Settings:
    """The settings from a TOML file (``path``, else ``PERFUSION_NODE_CONFIG``) and environment.

    Raises
    ------
    SettingsError
        If the file cannot be read or any key is wrong; every problem is named at once.
    """
    named = path or (Path(p) if (p := os.environ.get(f"{ENVIRONMENT_PREFIX}CONFIG")) else None)
    values = _read_toml(named) if named else {}
    try:
        return Settings(**values)
    except ValidationError as problems:
        lines = [f"{_key(e['loc'])}: {e['msg']}" for e in problems.errors()]
        source = str(named) if named else "the environment"
        raise SettingsError(f"{len(lines)} problem(s) in {source}:\n" + "\n".join(lines)) from None


def _key(place: tuple[int | str, ...]) -> str:
    """Where a problem is, as the file names it: without pydantic's word for the kind of a block."""
    return ".".join(str(part) for part in place if part not in KINDS)


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(
            f"the settings file {path} does not exist",
            "Name one that is there with --config or PERFUSION_NODE_CONFIG.",
        )
    try:
        return TomlConfigSettingsSource(Settings, toml_file=path)()
    except ValueError as problem:
        raise SettingsError(f"{path} is not valid TOML: {problem}") from problem
