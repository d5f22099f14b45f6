"""Rows and cells of the report's Markdown tables."""

from collections.abc import Iterable, Sequence

from models.evaluation.agreement import Limits, Spread
from models.evaluation.evaluation import Evaluation
from models.evaluation.known import REGIONS, WHOLE
from models.evaluation.score import LESIONS
from models.evaluation.summary import FIGURES, LesionSummary, Summary
from node.perfusion import Quantity

NOTHING = "–"
_ERRORS = ((Quantity.CBF, 1), (Quantity.TMAX, 2))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def cell(spread: Spread | None, digits: int = 2) -> str:
    """``value [low, high]``; a dash where there is none."""
    if spread is None:
        return NOTHING
    return f"{spread.value:.{digits}f} [{spread.low:.{digits}f}, {spread.high:.{digits}f}]"


def limits_cell(limits: Limits | None) -> str:
    """``bias [low, high]`` of Bland and Altman [ml]."""
    if limits is None:
        return NOTHING
    return f"{limits.bias:+.1f} [{limits.low:+.1f}, {limits.high:+.1f}]"


def lesion_table(evaluation: Evaluation, axis: str, name: str, bar: Sequence[str]) -> str:
    """Overlap and volumes of one lesion, a row for each estimator, and the bar to reach."""
    head = (
        *(axis, "estimator", "maps / cases", "Dice, mean", "Dice, median", "volume r"),
        *("ICC(2,1)", "bias [limits], ml", "mean error, ml"),
    )
    rows = [
        (point, who.name, _counted(s), *_lesion_cells(s.lesion(name)))
        for point, who, s in evaluation.rows(axis)
    ]
    rows.append(("", "**bar**", "", *bar))
    return table(head[1:], [row[1:] for row in rows])


AXIS_HEAD = (
    *("estimator", "maps / cases", "hypoperfusion Dice", "core Dice"),
    *("hypoperfusion volume r", "core volume r", "CBF error", "Tmax error, s"),
)


def axis_table(evaluation: Evaluation, axis: str) -> str:
    """What a question comes to, as :func:`axis_rows`."""
    return table((axis, *AXIS_HEAD), axis_rows(evaluation, axis))


def axis_rows(evaluation: Evaluation, axis: str) -> list[tuple[str, ...]]:
    """Overlap, volumes and two maps' errors at every point, by :data:`AXIS_HEAD`."""
    rows = []
    for point, who, s in evaluation.rows(axis):
        overlaps = [cell(s.lesion(name).dice) for name in LESIONS]
        volumes = [cell(s.lesion(name).volume_r) for name in LESIONS]
        errors = [cell(s.whole(q).get("mae"), digits) for q, digits in _ERRORS]
        rows.append((point, who.name, _counted(s), *overlaps, *volumes, *errors))
    return rows


def map_table(evaluation: Evaluation, axis: str, quantity: Quantity) -> str:
    """One map against the truth: a row for each region and estimator of an axis' only point."""
    (point,) = evaluation.axis(axis).points
    head = ("region", "estimator", "cases", "r", "slope", "bias", "mean absolute error")
    found = [(who, evaluation.summary(axis, point, who)) for who in evaluation.estimators]
    rows = []
    for region in _regions([s for _, s in found], quantity):
        for who, s in found:
            figures = s.maps.get(quantity.value, {}).get(region, {})
            count = str(figures["mae"].n) if "mae" in figures else "0"
            cells = [cell(figures.get(name)) for name in FIGURES]
            rows.append((region, who.name, count, *cells))
    return table(head, rows)


def correlation_table(evaluation: Evaluation, axis: str) -> str:
    """Correlation of every map with the truth over all tissue of a scan."""
    head = (axis, "estimator", "maps / cases", *(f"{q} r" for q in Quantity))
    rows = [
        (point, who.name, _counted(s), *(cell(s.whole(q).get("r"), 3) for q in Quantity))
        for point, who, s in evaluation.rows(axis)
    ]
    return table(head, rows)


def residue_table(evaluation: Evaluation, axis: str, point: str) -> str:
    """Correlation of every map with the truth, region by region of one scan."""
    found = [(who, evaluation.summary(axis, point, who).maps) for who in evaluation.estimators]
    regions = dict.fromkeys(r for _, maps in found for m in maps.values() for r in m)
    rows = []
    for region in (r for r in regions if r != WHOLE):
        for who, maps in found:
            r = (maps.get(q.value, {}).get(region, {}).get("r") for q in Quantity)
            cells = (NOTHING if value is None else f"{value.value:.3f}" for value in r)
            rows.append((region, who.name, *cells))
    return table(("tiles", "estimator", *(f"{q} r" for q in Quantity)), rows)


def false_positive_table(evaluation: Evaluation, axis: str) -> str:
    """Volumes found in scans without stroke."""
    head = (
        *(axis, "estimator", "maps / cases", "core, ml: median", "largest"),
        *("hypoperfusion, ml: median", "largest", "true hypoperfusion, ml"),
    )
    rows = []
    for point, who, s in evaluation.rows(axis):
        cases = evaluation.of(evaluation.axis(axis).points[point], who)
        true_ml = [x.lesions["hypoperfusion"].truth_ml for x in cases if x.lesions]
        found = [
            text
            for name in ("core", "hypoperfusion")
            for text in (cell(s.lesion(name).found_ml, 1), f"{s.lesion(name).found_max_ml:.1f}")
        ]
        rows.append(
            (point, who.name, _counted(s), *found, f"{max(true_ml):.1f}" if true_ml else NOTHING)
        )
    return table(head, rows)


def refusal_table(evaluation: Evaluation, axis: str) -> str:
    """How each estimator ended on scans that cannot be analysed."""
    head = (axis, *(who.name for who in evaluation.estimators))
    rows = []
    for point, cases in evaluation.axis(axis).points.items():
        ends = [evaluation.of(cases, who)[0].refusal for who in evaluation.estimators]
        rows.append((point, *(end.partition(":")[0] or "**maps**" for end in ends)))
    return table(head, rows)


def refusals(evaluation: Evaluation, axes: Iterable[str]) -> str:
    """Every refusal of the scans that should have given maps, counted and named."""
    rows = [
        (axis, point, who.name, f"{count} of {s.cases}", reason)
        for axis in axes
        for point, who, s in evaluation.rows(axis)
        for reason, count in s.refusals.items()
    ]
    if not rows:
        return "None: every estimator gave maps for every scan.\n"
    return table(("question", "point", "estimator", "scans", "reason"), rows)


def time_table(evaluation: Evaluation, axis: str) -> str:
    """How long a scan took."""
    head = ("estimator", "maps / cases", "time, s", "tissue analysed")
    rows = [
        (who.name, _counted(s), cell(s.seconds), cell(s.analysed))
        for _, who, s in evaluation.rows(axis)
    ]
    return table(head, rows)


def _counted(s: Summary) -> str:
    return f"{s.cases - s.refused} / {s.cases}"


def _lesion_cells(found: LesionSummary) -> tuple[str, ...]:
    return (
        cell(found.dice),
        cell(found.dice_quartiles),
        cell(found.volume_r, 3),
        cell(found.volume_icc, 3),
        limits_cell(found.limits_ml),
        cell(found.error_ml, 1),
    )


def _regions(summaries: Sequence[Summary], quantity: Quantity) -> list[str]:
    """The regions that any summary knows."""
    known = {region for s in summaries for region in s.maps.get(quantity.value, {})}
    return [region for region in REGIONS if region in known]
