"""What is found about a variant, kept on disk: a stopped ablation goes on where it was."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from models.ablation.judging import DOSES, LESIONS, Score
from models.ablation.lessons import Settings
from models.ablation.variants import Variant
from models.network import SCALES

_MODELS = Path(__file__).resolve().parents[1]
# What a result depends on besides its settings. The simulator and the preparation of patients
# have a version of their own, in models/training/cohort.py.
_CODE = ("network", "training", "procedural", "ablation")
# How things are shown, and other networks, change no result.
_OTHER = frozenset({"__init__.py", "command.py", "page.py", "paper.py", "picture.py", "real.py"})
FIGURES = tuple((dose, name) for dose in DOSES for name in (*LESIONS, *map(str, SCALES)))
"""Every figure of a variant: dose, and lesion (its Dice) or quantity (its error)."""

Figure = tuple[str, str]


@dataclass(frozen=True)
class Result:
    """What was found about one variant.

    Parameters
    ----------
    name
        Of the variant.
    scores
        One for every patient and dose, in the same order for every variant.
    about
        What made it, in words: ``code``, ``date`` and ``machine``.
    """

    name: str
    scores: tuple[Score, ...]
    about: Mapping[str, str]

    def values(self, figure: Figure) -> tuple[float | None, ...]:
        """A figure of every patient, None where it is not defined.

        Parameters
        ----------
        figure
            One of :data:`FIGURES`.
        """
        dose, name = figure
        found = (s for s in self.scores if s.dose == dose)
        return tuple(s.dice.get(name) if name in LESIONS else s.errors[name] for s in found)

    def mean(self, figure: Figure) -> float | None:
        """A figure's mean over the patients; None where no patient has it."""
        values = [value for value in self.values(figure) if value is not None]
        return float(np.mean(values)) if values else None


@dataclass(frozen=True)
class Difference:
    """A figure of a variant less the reference's, patient by patient.

    Parameters
    ----------
    mean
        Over the patients.
    error
        Its standard error; None for fewer than three patients.
    """

    mean: float
    error: float | None

    @property
    def clear(self) -> bool:
        """Whether the patients leave no doubt of it: it is beyond twice its standard error."""
        return self.error is not None and abs(self.mean) > 2.0 * self.error


def difference(result: Result, reference: Result, figure: Figure) -> Difference | None:
    """How far a figure lies from the reference's; None where no patient has it.

    Parameters
    ----------
    result, reference
        Of the same patients.
    figure
        One of :data:`FIGURES`.
    """
    pairs = zip(result.values(figure), reference.values(figure), strict=True)
    apart = [mine - its for mine, its in pairs if mine is not None and its is not None]
    if not apart:
        return None
    error = float(np.std(apart, ddof=1) / np.sqrt(len(apart))) if len(apart) > 2 else None
    return Difference(float(np.mean(apart)), error)


@dataclass(frozen=True)
class ResultStore:
    """A folder of results and checkpoints, one inside it for each way to make them."""

    folder: Path
    settings: Settings

    @property
    def inside(self) -> Path:
        """The folder of these settings and this code."""
        about = json.dumps({"settings": self.settings.facts, "code": _code()}, sort_keys=True)
        return self.folder / hashlib.sha256(about.encode()).hexdigest()[:16]

    def read(self, variant: Variant) -> Result | None:
        """A variant's result; None where it is not there or cannot be read."""
        try:
            facts = json.loads(self._path(variant).read_text())
            scores = tuple(Score(**score) for score in facts["scores"])
            return Result(variant.name, scores, dict(facts["about"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def keep(self, variant: Variant, result: Result) -> None:
        """Write a variant's result: wholly or not at all."""
        path = self._path(variant)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts: dict[str, Any] = {
            "variant": result.name,
            "settings": self.settings.facts,
            "about": dict(result.about),
            "scores": [score.facts for score in result.scores],
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(facts, indent=1, allow_nan=False) + "\n")
        partial.replace(path)

    def finished(self, variants: Sequence[Variant]) -> dict[str, Result]:
        """The results there are, by the variants' names."""
        found = {variant.name: self.read(variant) for variant in variants}
        return {name: result for name, result in found.items() if result is not None}

    def _path(self, variant: Variant) -> Path:
        return self.inside / f"{variant.slug}.json"


@lru_cache(maxsize=1)
def _code() -> str:
    """Digest of the source that results depend on, as it was when first asked for."""
    digest = hashlib.sha256()
    for room in _CODE:
        for path in sorted((_MODELS / room).glob("*.py")):
            if path.name not in _OTHER:
                digest.update(path.relative_to(_MODELS).as_posix().encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
