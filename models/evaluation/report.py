"""The evaluation as a page that a person reads: docs/evaluation.md."""

from collections.abc import Callable, Iterator

from models.evaluation.cases import HEADLINE, LOW_DOSE, PHANTOM
from models.evaluation.estimators import EstimatorId
from models.evaluation.evaluation import Evaluation
from models.evaluation.tables import (
    axis_table,
    correlation_table,
    false_positive_table,
    lesion_table,
    map_table,
    refusal_table,
    refusals,
    residue_table,
    time_table,
)
from node.perfusion import Quantity

BROKEN, HEALTHY = "broken input", "no stroke"
# DESIGN.md section 9: on another generator than the training's, at full and at a quarter dose.
BARS = {
    HEADLINE: {"hypoperfusion": ("0.93", "0.99"), "core": ("0.80", "0.99")},
    LOW_DOSE: {"hypoperfusion": ("0.90", "0.98"), "core": ("0.72", "0.98")},
}
_JUDGED = {HEADLINE: "Lesions at full dose", LOW_DOSE: "Lesions at a quarter of the dose"}
_QUESTIONS = {
    "generator": (
        "The two generators",
        "`first` makes the training's scans, `third` those that the bars are judged on; here both "
        "with the scheme `standard`, as everything below is by the first.",
    ),
    "dose": ("Dose", "Share of 190 mA at 80 kV; the same patients, one after another noisier."),
    "frames": (
        "Fewer time points",
        "Every first, second, third, fifth and ninth of 89 frames 0.5 s apart (`cine`, 8 slices), "
        "hence 0.5 to 4.5 s apart; each frame at full dose.",
    ),
    "scheme": ("Acquisition schemes", "The schemes of `models.simulator.ACQUISITIONS`."),
    "residue": (
        "Residue functions",
        "All tissue with one residue function; elsewhere every patient has a mixture of them.",
    ),
    "motion": (
        "Motion left in",
        "A rigid head that drifts by so much, turns by as many degrees and jumps once; nothing "
        "corrects it here.",
    ),
    "flaw": (
        "Flawed scans",
        "Late blood dispersed by 2 s; 3 HU of beam hardening; a start 0.5 s before contrast; an "
        "end 26 s after it; 40 % of the contrast.",
    ),
}
_OPENING = """\
# Evaluation: how right the maps are

> **Simulated data only.** No figure on this page comes from a patient. Not for diagnostic use.

Made by `{about.command}`; the numbers behind it are in [evaluation.json](evaluation.json).

| | |
|---|---|
| code | {about.commit} |
| date | {about.date} |
| machine | {about.machine} |
| patients | from seed {extent.seed} on: {extent.judged} for the bars, {extent.patients} elsewhere |
| scans | {extent.rows} x {extent.rows} pixels over 230 mm, at most {extent.slices} slices |
{estimators}

How to read it:

- The bars are judged on patients of the third generator, `models.procedural`: other anatomy,
  curves, residue and noise than any network has learned from, by every acquisition scheme in turn.
- The same patients at every point of a table; their seeds are no training's.
- Truth and maps go by the same rule: Tmax = delay + MTT/2; hypoperfusion is Tmax > 6 s, core
  CBF < 30 % of normal inside it (`node.perfusion.find_lesion`). Classical methods find their
  artery themselves.
- *maps / cases*: scans that gave maps, of all. Refused scans are counted, named at the end, and
  in no other figure.
- Dice counts the cases whose true lesion has at least 1 ml.
- *healthy*: true Tmax up to 4 s. Map figures are over a region's voxels of one scan.
- *paper-small* had 1,200 steps, six minutes on one core, where the paper's networks had up to
  500 epochs: it has no sense of the core yet. It is no verdict on the paper.
- With few cases intervals are wide: read them before the figures.
- What each part of the network is worth stands in [ablation.md](ablation.md).
"""
_PHANTOM = """\
Tiles of known CBV, MTT and delay (Radiology 2013;267:201), five slices for each residue function.
Of the 13 algorithms of commercial and academic programs tested there 12 reached r > 0.9 for CBV,
7 for CBF and 4 for MTT.
"""
_BOX = """\
Why NLR misses 0.9 for CBF over all tiles, though it passes it for each residue function: it is
its model, not its fit. The box that comes nearest to an exponential residue function has 0.57 of
its flow, to a linear one 0.67, to a box all of it, even for an instant bolus. Each residue function
alone is a straight line; three lines of different slopes are none. Over all tiles the best r of any
box is 0.92 for an instant bolus and 0.89 for this artery without noise, four images a second; the
phantom's 2 s take the rest. `tests/unit/models/test_kudo.py` computes these limits. Blood volume
from areas instead of the fit would not change that, and would be another method. Its authors report
r > 0.9 on this phantom (Bennink et al., SPIE Medical Imaging 2015) for a fit with vascular
permeability; the abstract does not say over which tiles.
"""
_INTERVAL = "Dice means, r and ICC with 95 % bootstrap intervals over the cases"
_QUARTILES = "median [quartiles] over the cases"


def markdown(evaluation: Evaluation) -> str:
    """The report, sections in the order of what a reader asks."""
    return "\n".join(part for section in _SECTIONS for part in section(evaluation))


def _opening(evaluation: Evaluation) -> Iterator[str]:
    about, extent = evaluation.about, evaluation.about.extent
    estimators = "\n".join(
        f"| estimator {who.name} | {_described(who)} |" for who in evaluation.estimators
    )
    yield _OPENING.format(about=about, extent=extent, estimators=estimators)


def _described(who: EstimatorId) -> str:
    """Version and the beginning of the digest."""
    parts = (who.version and f"version {who.version}", who.digest and f"sha256 {who.digest[:12]}")
    return ", ".join(part for part in parts if part) or "part of the code"


def _headline(evaluation: Evaluation) -> Iterator[str]:
    for axis, title in _JUDGED.items():
        yield f"## {title}"
        yield ""
        if axis == HEADLINE:
            yield "![Volumes found against true volumes](images/evaluation-volumes.png)"
            yield ""
        for name, (dice, volume_r) in BARS[axis].items():
            yield f"### {name.capitalize()}{'' if axis == HEADLINE else ', a quarter of the dose'}"
            yield ""
            yield _caption(evaluation, axis, f"{_INTERVAL}; the median with quartiles")
            yield lesion_table(evaluation, axis, name, (dice, "", volume_r, "", "", ""))
    yield "The limits of agreement at full dose (1.96 standard deviations about the bias):"
    yield ""
    yield "![Bland-Altman plots](images/evaluation-bland-altman.png)"
    yield ""
    yield "One patient, truth and estimates; hypoperfusion outlined in white, core in red:"
    yield ""
    yield "![Maps beside the truth](images/evaluation-maps.png)"
    yield ""


def _false_positives(evaluation: Evaluation) -> Iterator[str]:
    yield "## Scans without stroke"
    yield ""
    yield _caption(evaluation, HEALTHY, f"volumes found, {_QUARTILES}; right is 0 ml of core")
    yield false_positive_table(evaluation, HEALTHY)


def _questions(evaluation: Evaluation) -> Iterator[str]:
    for axis, (title, explained) in _QUESTIONS.items():
        yield f"## {title}"
        yield ""
        yield explained
        if axis == "dose":
            yield ""
            yield "![Overlap by dose and by number of frames](images/evaluation-curves.png)"
        yield ""
        yield _caption(evaluation, axis, f"{_INTERVAL}; map errors {_QUARTILES}, over all tissue")
        yield axis_table(evaluation, axis)


def _maps(evaluation: Evaluation) -> Iterator[str]:
    yield "## Maps by region"
    yield ""
    for quantity in Quantity:
        meaning = quantity.meaning
        yield f"### {quantity}: {meaning.name} [{meaning.unit}]"
        yield ""
        yield _caption(evaluation, HEADLINE, f"{_QUARTILES}; voxel by voxel within a region")
        yield map_table(evaluation, HEADLINE, quantity)


def _phantom(evaluation: Evaluation) -> Iterator[str]:
    if PHANTOM not in evaluation.axes:
        return
    yield "## Kudo's phantom"
    yield ""
    yield _PHANTOM
    yield _caption(evaluation, PHANTOM, f"correlation over all tiles, {_QUARTILES}")
    yield correlation_table(evaluation, PHANTOM)
    yield "Without noise, residue function by residue function:"
    yield ""
    seed, command = evaluation.about.extent.seed, evaluation.about.command
    yield f"*1 case a row, seed {seed}; correlation over tiles, so no spread. `{command}`*"
    yield ""
    yield residue_table(evaluation, PHANTOM, "no noise")
    yield _BOX


def _ends(evaluation: Evaluation) -> Iterator[str]:
    yield "## Scans that cannot be analysed"
    yield ""
    yield "Each must be refused by name: no maps, no crash."
    yield ""
    yield _caption(evaluation, BROKEN, "the refusal's code")
    yield refusal_table(evaluation, BROKEN)
    yield "## Refused scans"
    yield ""
    yield refusals(evaluation, [axis for axis in evaluation.axes if axis != BROKEN])
    yield "## Time"
    yield ""
    yield _caption(evaluation, HEADLINE, f"{_QUARTILES}; on one core, preparation included")
    yield time_table(evaluation, HEADLINE)


def _caption(evaluation: Evaluation, axis: str, spread: str) -> str:
    """What every table says: command, seed, cases and spread."""
    counts = sorted({len(cases) for cases in evaluation.axis(axis).points.values()})
    cases = " or ".join(str(count) for count in counts) + (" case" if counts == [1] else " cases")
    about = evaluation.about
    return f"*{cases} a row from seed {about.extent.seed}; {spread}. `{about.command}`*\n"


_SECTIONS: tuple[Callable[[Evaluation], Iterator[str]], ...] = (
    _opening,
    _headline,
    _false_positives,
    _questions,
    _phantom,
    _maps,
    _ends,
)
