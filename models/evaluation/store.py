"""Scores kept on disk, so that a stopped evaluation is taken up where it was."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from models.evaluation.cases import Case
from models.evaluation.estimators import EstimatorId
from models.evaluation.score import Score

_ROOT = Path(__file__).resolve().parents[2]
# What a score depends on besides its case and estimator: a change of any of it is a new score.
_CODE = (
    "node/perfusion",
    "node/inference",
    "models/simulator",
    "models/procedural",
    "models/evaluation",
)
# How scores are summed up and shown changes none of them.
_SHOWING = frozenset(
    {
        "command.py",
        "evaluation.py",
        "figures.py",
        "gallery.py",
        "report.py",
        "score_command.py",
        "summary.py",
        "tables.py",
        "thresholds_command.py",
        "trust.py",
    }
)


@dataclass(frozen=True)
class ScoreStore:
    """A folder of scores, one JSON file for each case and estimator."""

    folder: Path

    def path(self, case: Case, estimator: EstimatorId) -> Path:
        """Where a score lies, named by the digest of everything it depends on."""
        who = asdict(estimator)
        about = json.dumps({"case": case.facts, "estimator": who, "code": _code()}, sort_keys=True)
        return self.folder / f"{hashlib.sha256(about.encode()).hexdigest()[:32]}.json"

    def read(self, case: Case, estimator: EstimatorId) -> Score | None:
        """The score; None where it is not there or cannot be read (see :meth:`damaged`)."""
        path = self.path(case, estimator)
        try:
            return Score.of_facts(json.loads(path.read_text())["score"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def damaged(self, cases: Iterable[Case], estimators: Sequence[EstimatorId]) -> list[Path]:
        """The files of scores that are there and cannot be read."""
        pairs = [(case, who) for case in dict.fromkeys(cases) for who in estimators]
        return [
            path
            for pair in pairs
            if (path := self.path(*pair)).exists() and self.read(*pair) is None
        ]

    def keep(self, case: Case, estimator: EstimatorId, score: Score) -> None:
        """Write a score: wholly or not at all."""
        path = self.path(case, estimator)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"case": case.facts, "estimator": asdict(estimator), "score": score.facts}
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
        partial.replace(path)


@lru_cache(maxsize=1)
def _code() -> str:
    """Digest of the source that scores depend on."""
    digest = hashlib.sha256()
    for folder in _CODE:
        for path in sorted((_ROOT / folder).rglob("*.py")):
            if path.name not in _SHOWING:
                digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()
