"""The ablation as a page that a person reads: docs/ablation.md."""

from collections.abc import Iterator, Mapping, Sequence

from models.ablation.judging import DOSES, FIRST_SEED, LEAST_ML, LESIONS, ROWS, SLICES
from models.ablation.lessons import Settings
from models.ablation.results import FIGURES, Difference, Figure, Result, difference
from models.ablation.variants import EVERYTHING, OTHER_SEED, VARIANTS, Variant
from models.network import SCALES
from models.training import patients_of
from node.perfusion import Quantity

Results = Mapping[str, Result]


def markdown(results: Results, settings: Settings, command: str) -> str:
    """The whole page.

    Parameters
    ----------
    results
        By the variants' names, the reference's among them.
    settings
        What all of them have in common.
    command
        What makes the page.
    """
    parts = (
        *_head(results, settings, command),
        "## Lesions",
        "Dice of the lesion found and the true one.",
        _table(results, [(dose, name) for name in LESIONS for dose in DOSES]),
        *(part for dose in DOSES for part in _maps(results, dose)),
        "## What each variant is, and what is clear",
        "\n".join(_sentence(results, variant.name, variant.words) for variant in _rows(results)),
    )
    return "\n\n".join(parts) + "\n"


def plain(results: Results, name: str) -> str:
    """One variant's figures in a line, for the prompt.

    Parameters
    ----------
    results
        As in :func:`markdown`.
    name
        Of the variant.
    """
    figures = [(dose, lesion) for lesion in LESIONS for dose in DOSES]
    told = (f"{lesion} {_cell(results, name, (dose, lesion))}" for dose, lesion in figures)
    return f"{name}: Dice of {', '.join(told)}"


def _head(results: Results, settings: Settings, command: str) -> Iterator[str]:
    reference = results[EVERYTHING.name]
    patients = patients_of(settings.seed, settings.cases)
    scans = {dose: len(reference.values((dose, str(Quantity.CBF)))) for dose in DOSES}
    lesions = ", ".join(
        f"{sum(v is not None for v in reference.values((dose, name)))} with {name} at {dose}"
        for name in LESIONS
        for dose in DOSES
    )
    facts = {
        **{key: "; ".join(_told(results, key)) for key in reference.about},
        "learned from": f"{settings.cases} patients from seed {patients.start} on; "
        f"{settings.curve_steps} steps on single curves, then {settings.steps} on slices; "
        f"seed {settings.seed}",
        "judged on": f"{settings.judged} unseen patients of `models.procedural` from seed "
        f"{FIRST_SEED} on, every scheme in turn, {ROWS} x {ROWS} pixels, {SLICES} slices",
        "maps": ", ".join(f"{count} scans at {dose}" for dose, count in scans.items()),
        f"lesions of {LEAST_ML:g} ml": lesions,
    }
    yield "# Ablation: what each part of the network and its training is worth"
    yield "> **Simulated data only.** No figure on this page comes from a patient."
    yield f"Made by `{command}`; not written by hand."
    yield "\n".join(
        ("| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts.items()))
    )
    yield "How to read it:"
    yield "\n".join(
        (
            "- Every variant is trained alike and shortly, with one thing taken away. The figures",
            "  are below those of the weights that are shipped; what counts is the difference.",
            "- In brackets: the figure less the reference's, the mean over the patients ± its",
            "  standard error. It knows of the patients' spread, not of chance in training.",
            f"- Chance in training is what *{OTHER_SEED.name}* shows, from two trainings alone.",
            "  *Clear* is a difference beyond both: twice its standard error, and that row's own.",
            f"  Of {len(FIGURES)} figures a row one or another may be clear by accident.",
            "- Everything is judged in true parenchyma, on the model's pixels: hypoperfusion is",
            "  Tmax > 6 s, core the part of it with CBF < 30 % of the mean CBF of the rest.",
            f"- Dice counts the patients whose true lesion has at least {LEAST_ML:g} ml.",
        )
    )


def _told(results: Results, key: str) -> list[str]:
    """What results say of their making, each thing once."""
    return sorted({result.about[key] for result in results.values()})


def _rows(results: Results) -> Iterator[Variant]:
    return (variant for variant in VARIANTS if variant.name in results)


def _maps(results: Results, dose: str) -> Iterator[str]:
    yield f"## Maps at {dose}"
    yield "Mean absolute error."
    yield _table(results, [(dose, str(quantity)) for quantity in SCALES])


def _table(results: Results, figures: Sequence[Figure]) -> str:
    head = ("variant", *(_title(figure) for figure in figures))
    rows = [
        (variant.name, *(_cell(results, variant.name, figure) for figure in figures))
        for variant in _rows(results)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def _title(figure: Figure) -> str:
    dose, name = figure
    return f"{name}, {dose}" if name in LESIONS else f"{name} [{Quantity(name).meaning.unit}]"


def _cell(results: Results, name: str, figure: Figure) -> str:
    mean = results[name].mean(figure)
    if mean is None:
        return ""
    found = difference(results[name], results[EVERYTHING.name], figure)
    if name == EVERYTHING.name or found is None:
        return f"{mean:.3f}"
    return f"{mean:.3f} ({_signed(found)})"


def _signed(found: Difference) -> str:
    return f"{found.mean:+.3f}" + ("" if found.error is None else f" ± {found.error:.3f}")


def _sentence(results: Results, name: str, words: str) -> str:
    """What a variant is, and which figures are clearly worse or better."""
    if name in {EVERYTHING.name, OTHER_SEED.name}:
        return f"- **{name}**: {words}"
    sides: dict[str, list[str]] = {"worse": [], "better": []}
    for figure in FIGURES:
        found = difference(results[name], results[EVERYTHING.name], figure)
        if found is None or not found.clear or abs(found.mean) <= _chance(results, figure):
            continue
        better = (found.mean > 0) is (figure[1] in LESIONS)
        sides["better" if better else "worse"].append(f"{figure[1]} at {figure[0]}")
    told = [f"Clearly {side}: {', '.join(found)}." for side, found in sides.items() if found]
    return f"- **{name}**: {words} {' '.join(told) or 'No difference is clear.'}"


def _chance(results: Results, figure: Figure) -> float:
    """How far another seed alone moves a figure; 0 where that was not tried."""
    if OTHER_SEED.name not in results:
        return 0.0
    found = difference(results[OTHER_SEED.name], results[EVERYTHING.name], figure)
    return abs(found.mean) if found else 0.0
