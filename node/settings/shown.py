"""The settings as people may see them: where each value comes from, and no secret."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel

from node.settings import environment
from node.settings.loading import read_toml, settings_file
from node.settings.whole import Settings

_HIDDEN = "********"
_SECRET = frozenset({"alerts.webhook"})


@dataclass(frozen=True)
class Shown:
    """One key in effect.

    Parameters
    ----------
    key
        Its whole name; blocks of a list by their number.
    value
        As TOML's types; passwords in addresses are hidden. Other secrets are in files or
        variables of their own, and only the place is told.
    source
        ``environment``, ``file`` or ``default``.
    """

    key: str
    value: Any
    source: str


def shown(settings: Settings, path: Path | None = None) -> list[Shown]:
    """Every key in effect; ``path`` is the file that the settings were loaded from, if any."""
    named = path or settings_file()
    written = read_toml(named) if named else {}
    return [
        Shown(key, _hidden(key, _plain(value)), _source(key, written))
        for key, value in _values(settings, "")
    ]


def _values(section: BaseModel, above: str) -> Iterator[tuple[str, Any]]:
    for name in type(section).model_fields:
        yield from _value(getattr(section, name), f"{above}{name}")


def _value(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        yield from _values(value, f"{key}.")
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for number, each in enumerate(value):
            yield from _values(each, f"{key}.{number}.")
    else:
        yield key, value


def _source(key: str, written: Mapping[str, Any]) -> str:
    parts = [part for part in key.split(".") if not part.isdigit()]
    heads = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    # a list comes from one variable as a whole, a section from one of each key
    if environment.is_set(heads[-1]) or (
        any(part.isdigit() for part in key.split(".")) and (environment.is_set(heads[0]))
    ):
        return "environment"
    place: Any = written
    for part in key.split("."):
        if isinstance(place, list):
            place = place[int(part)] if int(part) < len(place) else {}
        else:
            place = place.get(part, {}) if isinstance(place, Mapping) else {}
        if place == {}:
            return "default"
    return "file"


def _hidden(key: str, value: Any) -> Any:
    """The value, or stars where it is a secret by itself."""
    return _HIDDEN if key in _SECRET and value else value


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return hide_password(value) if isinstance(value, str) else value


def hide_password(address: str) -> str:
    """An address (URL) without the password that may be in it; any other text as it is."""
    try:
        parts = urlsplit(address)
        password = parts.password
    except ValueError:
        return address
    if not parts.scheme or password is None:
        return address
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{_HIDDEN}@{host}"))
