"""What the page says in words and numbers; nothing here is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from node.derived.context import PRODUCT, Context
from node.derived.summary import identity
from node.perfusion import Findings, Grade, Lesion, QualityCheck
from node.series import CtpSeries

NONE = "–"


@dataclass(frozen=True)
class Volume:
    """A volume that is read from afar.

    Parameters
    ----------
    name, definition
        What it is, and by which threshold.
    ml
        Its size [ml].
    range_ml
        The least and the most that expected errors leave; None where that is not known.
    """

    name: str
    definition: str
    ml: float
    range_ml: tuple[float, float] | None = None

    @property
    def range_text(self) -> str:
        """The range in words; empty where it is not known."""
        if self.range_ml is None:
            return ""
        least, most = self.range_ml
        return f"{least:.1f} to {most:.1f} ml by expected errors"


@dataclass(frozen=True)
class Facts:
    """All text of a page.

    Parameters
    ----------
    patient, study, scan
        Lines of the heading, the first one most important.
    volumes
        Core, hypoperfusion and mismatch.
    ratios
        Name and value.
    thresholds
        Rows of the threshold table: what is counted, then limit and volume.
    rules
        Published limits, each by name, with the conditions and whether they are met; empty
        where the lesion was defined by other thresholds than theirs.
    flags, passed
        The checks of quality that are not ok, and those that are.
    made_by
        Software, model, digest and revision.
    """

    patient: tuple[str, ...]
    study: tuple[str, ...]
    scan: tuple[str, ...]
    volumes: tuple[Volume, ...]
    ratios: tuple[tuple[str, str], ...]
    thresholds: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    rules: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    flags: tuple[QualityCheck, ...]
    passed: tuple[QualityCheck, ...]
    made_by: tuple[str, ...]


def facts_of(context: Context, series: CtpSeries, findings: Findings) -> Facts:
    """Everything that is said of one result."""
    source: Dataset = context.source
    lesion = findings.lesion
    return Facts(
        patient=identity.patient(source),
        study=identity.study(source),
        scan=identity.scan(source, series),
        volumes=volumes(lesion),
        ratios=ratios(lesion),
        thresholds=threshold_table(lesion),
        rules=published_rules(lesion),
        flags=findings.flags,
        passed=tuple(check for check in findings.checks if check.grade is Grade.OK),
        made_by=_made_by(context),
    )


def volumes(lesion: Lesion) -> tuple[Volume, ...]:
    """Core, hypoperfusion, and the mismatch between them."""
    limits, known = lesion.thresholds, lesion.range_ml
    return (
        Volume(
            "Core",
            f"CBF < {100 * limits.rcbf:g} % of normal",
            lesion.core_ml,
            known.core_ml if known else None,
        ),
        Volume(
            "Hypoperfusion",
            f"Tmax > {limits.tmax_s:g} s, core included",
            lesion.hypoperfusion_ml,
            known.hypoperfusion_ml if known else None,
        ),
        Volume("Mismatch", "penumbra: hypoperfusion less core", lesion.mismatch_ml),
    )


def ratios(lesion: Lesion) -> tuple[tuple[str, str], ...]:
    """Mismatch ratio, hypoperfusion intensity ratio, and what counted as normal."""
    ratio, intensity = lesion.mismatch_ratio, lesion.hypoperfusion_intensity_ratio
    return (
        ("Mismatch ratio", "no core" if ratio is None else f"{ratio:.1f}"),
        ("HIR (Tmax > 10 s)", NONE if intensity is None else f"{intensity:.2f}"),
        ("Normal CBF, ml/100 g/min", f"{lesion.normal_cbf:.0f}" if lesion.normal_cbf > 0 else NONE),
    )


def threshold_table(
    lesion: Lesion,
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Volumes by other limits [ml]."""
    slow = tuple((f"> {s:g} s", f"{ml:.1f}") for s, ml in lesion.tmax_above_ml.items())
    low = tuple((f"< {100 * r:g} %", f"{ml:.1f}") for r, ml in lesion.rcbf_below_ml.items())
    return tuple(row for row in (("Tmax", slow), ("CBF", low)) if row[1])


def published_rules(lesion: Lesion) -> tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]:
    """Which limits of published trials the volumes meet (SCIENCE.md section 2).

    DEFUSE 3 (N Engl J Med 2018;378:708), EXTEND-IA (N Engl J Med 2015;372:1009), DAWN
    (N Engl J Med 2018;378:11), whose limit depends on age and NIHSS. All of them define the
    lesion by Tmax > 6 s and CBF < 30 % of normal.
    """
    if (lesion.thresholds.tmax_s, lesion.thresholds.rcbf) != (6.0, 0.3):
        return ()
    core, mismatch, slow = lesion.core_ml, lesion.mismatch_ml, lesion.hypoperfusion_ml
    return (
        (
            "DEFUSE 3",
            (
                ("core < 70 ml", core < 70),
                ("mismatch ≥ 15 ml", mismatch >= 15),
                ("ratio ≥ 1.8", slow > 0 and slow >= 1.8 * core),
            ),
        ),
        (
            "EXTEND-IA",
            (
                ("core < 70 ml", core < 70),
                ("mismatch > 10 ml", mismatch > 10),
                ("ratio > 1.2", slow > 1.2 * core),
            ),
        ),
        ("DAWN", tuple((f"core < {limit} ml", core < limit) for limit in (21, 31, 51))),
    )


def flag_line(flag: QualityCheck) -> str:
    """A flag in words, with its number and threshold."""
    return f"{flag.grade.capitalize()}, {flag.code.replace('_', ' ')}: {flag.found}"


def passed_line(checks: Sequence[QualityCheck]) -> str:
    """The checks that are ok in one line, each with its numbers and thresholds."""
    return "; ".join(str(reading) for check in checks for reading in check.readings)


def _made_by(context: Context) -> tuple[str, ...]:
    model = context.estimator
    network = (
        (f"{model.name} {model.version}", f"sha256 {model.sha256[:12]}")
        if model is not None
        else ()
    )
    created = context.created.strftime("%Y-%m-%d %H:%M")
    software = f"{PRODUCT} {context.options.software_version}"
    revision = (context.revision_note,) if context.revision_note else ()
    return (software, *network, created, *revision)
