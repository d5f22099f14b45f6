"""The keys of the settings as data: their sections, meanings and defaults."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from node.settings.whole import Settings


@dataclass(frozen=True)
class Key:
    """One key of a section.

    Parameters
    ----------
    name
        Without its section.
    field
        Its type, default and meaning.
    sections
        What it holds, where that is a section: one, or the kinds of blocks of a list.
    """

    name: str
    field: FieldInfo
    sections: tuple[type[BaseModel], ...]

    @property
    def is_list(self) -> bool:
        """Whether it holds a list of blocks."""
        return self.sections != () and isinstance(self.field.default, tuple)

    @property
    def meaning(self) -> str:
        """What it is for, as a sentence."""
        described = self.field.description or (self.sections[0].__doc__ if self.sections else "")
        return " ".join((described or "").replace("``", "").split())


def keys_of(section: type[BaseModel]) -> list[Key]:
    """The keys of a section, in its order."""
    return [Key(n, f, _sections(f.annotation)) for n, f in section.model_fields.items()]


def all_keys(section: type[BaseModel] = Settings, above: str = "") -> Iterator[tuple[str, Key]]:
    """Every key below a section with its whole name, ``destinations.tls.ca``."""
    for key in keys_of(section):
        yield f"{above}{key.name}", key
        for inner in key.sections:
            yield from all_keys(inner, f"{above}{key.name}.")


def key_at(name: str) -> Key | None:
    """The key of a whole name, if there is one."""
    return next((key for known, key in all_keys() if known == name), None)


def nearest(name: str) -> str:
    """The whole name of the key that was probably meant; empty if none is near.

    One of the same name in another section counts most, then one of the same section.
    """
    section, _, last = name.rpartition(".")
    known = dict(all_keys())
    same = [each for each in known if each.rpartition(".")[2] == last and each != name]
    beside = [each.rpartition(".")[2] for each in known if each.rpartition(".")[0] == section]
    if close := get_close_matches(last, beside, n=1, cutoff=0.6):
        return f"{section}.{close[0]}".lstrip(".")
    if len(same) == 1:
        return same[0]
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), "")


def _sections(annotation: Any) -> tuple[type[BaseModel], ...]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(section for part in get_args(annotation) for section in _sections(part))
