"""The shell commands that the documents give, each by itself, with where it stands."""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.documents import ROOT

SHELL = ("sh", "bash", "console")
# What stands before a command and changes nothing about it.
_BEFORE = re.compile(r"^(?:sudo |\$ |/usr/bin/time -v |nice -n -?\d+ |[A-Z]+=\S+ )+")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Command:
    """One command of a document: its words, without sudo and what else may stand before it."""

    path: Path
    line: str
    words: Sequence[str]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}: {self.line}"

    @property
    def program(self) -> str:
        """What is run, by the name under which a rule for it is found."""
        return self.words[0].rpartition("/")[2]


def of_line(path: Path, line: str) -> Iterator[Command]:
    """The commands of a line; ``&&`` and ``|`` divide them, a comment ends them."""
    words = shlex.split(line, comments=True)
    places = [-1, *(i for i, word in enumerate(words) if word in ("&&", "|")), len(words)]
    for begin, end in itertools.pairwise(places):
        bare = _BEFORE.sub("", shlex.join(words[begin + 1 : end]))
        if bare:
            yield Command(path, line.strip(), shlex.split(bare))


def commands_of(path: Path, text: str, programs: Sequence[str]) -> Iterator[Command]:
    """Every command of a document.

    In a block of shell every line is one, in a transcript every line after ``$``; elsewhere what
    begins with one of the programs and has an argument.
    """
    loose = _INLINE.findall(_BLOCK.sub("", text))
    for language, body in _BLOCK.findall(text):
        for line in body.splitlines():
            if language in SHELL or line.startswith("$ "):
                yield from of_line(path, line.removeprefix("$ "))
            elif not language:
                loose.append(line)
    for code in loose:
        first, _, rest = _BEFORE.sub("", code).partition(" ")
        if rest and first.rpartition("/")[2] in programs:
            yield from of_line(path, code)


def blocks_of(text: str, language: str) -> list[str]:
    """The bodies of a document's blocks in one language."""
    return [body for kind, body in _BLOCK.findall(text) if kind == language]
