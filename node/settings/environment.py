"""Keys out of the environment: a variable each, or a variable that names a file with the value."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from node.settings.section import ENVIRONMENT_PREFIX
from node.settings.whole import Settings

_FILE = "_FILE"
_NO_KEYS = frozenset({"CONFIG", "DIE_AT"})
_NESTED = "__"


def from_files(environment: Mapping[str, str] = os.environ) -> tuple[dict[str, Any], list[str]]:
    """The values of keys whose variable ends in ``_FILE``, nested, and what is wrong with any.

    ``PERFUSION_NODE_DATABASE_URL_FILE=/run/secrets/database`` is how Docker and Kubernetes hand
    over secrets: the value is in the file, and in no list of processes.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, path in _variables(environment):
        if not name.endswith(_FILE) or name.endswith(f"_{_FILE}"):
            continue
        key = name.removesuffix(_FILE)
        if f"{ENVIRONMENT_PREFIX}{key}" in environment:
            problems.append(
                f"{_dotted(key)}: set it by {_named(key)} or by {_named(name)}, not both"
            )
            continue
        try:
            text = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as fault:
            problems.append(
                f"{_dotted(key)}: {path} cannot be read ({type(fault).__name__}); "
                f"{_named(name)} names it"
            )
            continue
        place = values
        *sections, last = key.lower().split(_NESTED)
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = text
    return values, problems


def unknown(environment: Mapping[str, str] = os.environ) -> list[str]:
    """What is wrong with variables that look like keys and are none.

    Kubernetes sets ``PERFUSION_NODE_PORT`` and its like for a service of that name: a variable
    without a section that resembles no key is passed over.
    """
    known = list(Settings.model_fields)
    problems = []
    for name, _ in _variables(environment):
        section, nested, _ = name.lower().removesuffix("_file").partition(_NESTED)
        if section in known or name in _NO_KEYS:
            continue
        near = get_close_matches(section, known, n=1, cutoff=0.6 if nested else 0.85)
        if near or nested:
            rest = f"{nested}..." if nested else ""
            meant = f"; did you mean {_named(near[0].upper())}{rest}?" if near else ""
            problems.append(f"{_named(name)}: there is no such key{meant}")
    return problems


def is_set(key: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a key of that whole name, or one below it, is set by a variable."""
    wanted = key.upper().replace(".", _NESTED)
    return any(
        name in {wanted, wanted + _FILE} or name.startswith(wanted + _NESTED)
        for name, _ in _variables(environment)
    )


def _variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The node's own variables, without their prefix."""
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            yield name.removeprefix(ENVIRONMENT_PREFIX), value


def _dotted(key: str) -> str:
    return key.lower().replace(_NESTED, ".")


def _named(key: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{key}"
