"""A finished evaluation: what was asked, by which command, and every score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from models.evaluation.agreement import Spread
from models.evaluation.cases import Case, CaseSet, Extent
from models.evaluation.estimators import EstimatorId
from models.evaluation.score import Score
from models.evaluation.summary import Summary, summary


@dataclass(frozen=True)
class About:
    """Where an evaluation comes from: all that is needed to make it again.

    Parameters
    ----------
    command
        The command that makes it.
    commit
        Of the code; says so where files differ from it.
    date
        ISO 8601.
    machine
        Processor, cores, Python.
    extent
        Patients, seed and sizes.
    """

    command: str
    commit: str
    date: str
    machine: str
    extent: Extent


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Every score by case and estimator's name, and what was asked."""

    about: About
    sets: tuple[CaseSet, ...]
    estimators: tuple[EstimatorId, ...]
    scores: Mapping[tuple[Case, str], Score]
    _summaries: dict[tuple[str, str, str], Summary] = field(default_factory=dict)

    def axis(self, name: str) -> CaseSet:
        """The cases of a question.

        Raises
        ------
        LookupError
            If it was not asked.
        """
        for cases in self.sets:
            if cases.axis == name:
                return cases
        raise LookupError(f"no axis {name!r} in this evaluation")

    @property
    def axes(self) -> tuple[str, ...]:
        """The questions."""
        return tuple(cases.axis for cases in self.sets)

    def of(self, cases: Sequence[Case], estimator: EstimatorId) -> list[Score]:
        """The scores of an estimator on some cases."""
        return [self.scores[case, estimator.name] for case in cases]

    def summary(self, axis: str, point: str, estimator: EstimatorId) -> Summary:
        """One estimator at one point of an axis."""
        key = axis, point, estimator.name
        if key not in self._summaries:
            self._summaries[key] = summary(self.of(self.axis(axis).points[point], estimator))
        return self._summaries[key]

    def rows(self, axis: str) -> Iterator[tuple[str, EstimatorId, Summary]]:
        """Point, estimator and summary for every row of an axis' table."""
        for point in self.axis(axis).points:
            for who in self.estimators:
                yield point, who, self.summary(axis, point, who)

    @property
    def facts(self) -> dict[str, Any]:
        """The whole evaluation as JSON data; a spread is [value, low, high, n]."""
        axes = {
            axis: {
                point: {e.name: _plain(self.summary(axis, point, e)) for e in self.estimators}
                for point in self.axis(axis).points
            }
            for axis in self.axes
        }
        return {
            "about": _plain(self.about),
            "simulated": True,
            "spread": ["value", "low", "high", "n"],
            "estimators": _plain(self.estimators),
            "axes": axes,
            "cases": [self._case(case, name) for case, name in self.scores],
        }

    def _case(self, case: Case, name: str) -> dict[str, Any]:
        found = self.scores[case, name]
        changed = {f.name: getattr(case, f.name) for f in fields(case)}
        kept = {k: v for k, v in changed.items() if v is not None and k not in ("rows", "slices")}
        outcome = {"refusal": found.refusal} if found.refusal else _plain(found.lesions)
        return {"case": kept, "estimator": name, **outcome}


def _plain(value: Any) -> Any:
    """Data that JSON knows, numbers to five digits."""
    if isinstance(value, Spread):
        return [_plain(v) for v in (value.value, value.low, value.high, value.n)]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(content) for content in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
