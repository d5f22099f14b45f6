"""Many scores in, one row of a table out: every figure with its spread."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.evaluation.agreement import (
    Limits,
    Spread,
    bootstrap,
    correlations,
    iccs,
    limits,
    mean_interval,
    quartiles,
)
from models.evaluation.known import WHOLE
from models.evaluation.score import LESIONS, Score
from node.perfusion import Quantity

FIGURES = ("r", "slope", "bias", "mae")


@dataclass(frozen=True)
class LesionSummary:
    """A lesion over many cases.

    Parameters
    ----------
    dice
        Mean overlap with its 95 % interval, over the cases whose true lesion is no speck.
    dice_quartiles
        Median overlap with quartiles.
    volume_r, volume_icc
        Of the volumes, with 95 % intervals.
    limits_ml
        Bland and Altman's, of measured less true volume [ml].
    error_ml
        Mean absolute volume error with its 95 % interval [ml].
    found_ml, found_max_ml
        Median measured volume with quartiles, and the largest [ml].
    """

    dice: Spread | None
    dice_quartiles: Spread | None
    volume_r: Spread | None
    volume_icc: Spread | None
    limits_ml: Limits | None
    error_ml: Spread | None
    found_ml: Spread | None
    found_max_ml: float


UNKNOWN = LesionSummary(None, None, None, None, None, None, None, 0.0)
"""What is known of a lesion that was never measured."""


@dataclass(frozen=True)
class Summary:
    """One estimator over the cases of one point.

    Parameters
    ----------
    cases, refused
        How many there were, and how many of them gave no maps.
    refusals
        How often each reason was given.
    lesions
        By name; empty without a true lesion to compare with.
    maps
        Median and quartiles over cases of :data:`FIGURES`, by quantity and region.
    analysed, seconds
        Median share of the tissue that was analysed, median time [s].
    """

    cases: int
    refused: int
    refusals: Mapping[str, int]
    lesions: Mapping[str, LesionSummary]
    maps: Mapping[str, Mapping[str, Mapping[str, Spread]]]
    analysed: Spread | None
    seconds: Spread | None

    def lesion(self, name: str) -> LesionSummary:
        """The lesion of a name; :data:`UNKNOWN` where it was never measured."""
        return self.lesions.get(name, UNKNOWN)

    def whole(self, quantity: Quantity) -> Mapping[str, Spread]:
        """The figures of a map over all tissue; empty where it was never measured."""
        return self.maps.get(quantity.value, {}).get(WHOLE, {})


def summary(scores: Sequence[Score]) -> Summary:
    """The scores of one estimator at one point, summed up; refused cases only counted."""
    measured = [s for s in scores if not s.refusal]
    refusals = Counter(s.refusal.partition(":")[0] for s in scores if s.refusal)
    return Summary(
        cases=len(scores),
        refused=len(scores) - len(measured),
        refusals=dict(refusals),
        lesions={n: _lesion(n, found) for n in LESIONS if (found := _with(n, measured))},
        maps=_maps(measured),
        analysed=quartiles([s.analysed for s in measured]),
        seconds=quartiles([s.seconds for s in measured]),
    )


def _with(name: str, scores: Sequence[Score]) -> list[Score]:
    return [s for s in scores if name in s.lesions]


def _lesion(name: str, scores: Sequence[Score]) -> LesionSummary:
    lesions = [s.lesions[name] for s in scores]
    dices = [found.dice for found in lesions if found.dice is not None]
    truth, found = [x.truth_ml for x in lesions], [x.found_ml for x in lesions]
    return LesionSummary(
        dice=mean_interval(dices),
        dice_quartiles=quartiles(dices),
        volume_r=bootstrap(correlations, truth, found),
        volume_icc=bootstrap(iccs, truth, found),
        limits_ml=limits(truth, found),
        error_ml=mean_interval([abs(f - t) for t, f in zip(truth, found, strict=True)]),
        found_ml=quartiles(found),
        found_max_ml=max(found),
    )


def _maps(scores: Sequence[Score]) -> dict[str, dict[str, dict[str, Spread]]]:
    names: dict[str, dict[str, None]] = {}
    for s in scores:
        for quantity, regions in s.maps.items():
            names.setdefault(quantity, {}).update(dict.fromkeys(regions))
    return {
        quantity: {region: _figures(quantity, region, scores) for region in regions}
        for quantity, regions in names.items()
    }


def _figures(quantity: str, region: str, scores: Sequence[Score]) -> dict[str, Spread]:
    found = [a for s in scores if (a := s.maps.get(quantity, {}).get(region)) is not None]
    columns = {name: [v for a in found if (v := getattr(a, name)) is not None] for name in FIGURES}
    spreads = {name: quartiles(values) for name, values in columns.items()}
    return {name: spread for name, spread in spreads.items() if spread is not None}
