"""What a call of ``analyse`` asks for beyond the settings, checked before minutes of work."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from pydantic import ValidationError

from node.cli.options import BadCallError
from node.settings import ResultKind, Settings

if TYPE_CHECKING:  # imported when called
    from node.derived import ObjectKind
    from node.exports import ExportKind

KINDS = get_args(ResultKind)
_THRESHOLDS = {
    "tmax": "tmax_hypoperfusion_s",
    "rcbf": "rcbf_core",
    "min_ml": "min_lesion_ml",
}
_EXAMPLE = "tmax=6,rcbf=0.3,min_ml=1"


def kinds_of(only: list[str] | None) -> tuple["ObjectKind", ...]:
    """The result objects asked for; the usual ones where nothing was.

    Raises
    ------
    BadCallError
        If it cannot be had; told what can.
    """
    from node.derived import ALL_KINDS, DEFAULT_KINDS

    if unknown := sorted(set(only or ()) - set(KINDS)):
        raise BadCallError(
            f"--only {unknown[0]}: there is no such kind of result object",
            f"Choose from {', '.join(KINDS)}.",
        )
    return tuple(kind for kind in ALL_KINDS if kind in only) if only else DEFAULT_KINDS


def exports_of(
    asked: "dict[ExportKind, bool]", kinds: "Sequence[ObjectKind]"
) -> "frozenset[ExportKind]":
    """What to write beside the objects.

    Raises
    ------
    BadCallError
        If it cannot be had; told what can.
    """
    from node.exports import NEEDS

    wanted = frozenset(kind for kind, yes in asked.items() if yes)
    for kind, needed in NEEDS.items():
        if kind in wanted and needed not in kinds:
            raise BadCallError(
                f"--{kind} is made from the {needed} objects, which --only leaves out",
                f"Add --only {needed}.",
            )
    return wanted


def with_thresholds(settings: Settings, text: str | None) -> Settings:
    """The settings with the thresholds of this call.

    Raises
    ------
    BadCallError
        If it cannot be had; told what can.
    """
    if text is None:
        return settings
    pairs = [part.partition("=") for part in text.split(",")]
    if unknown := [name for name, _, _ in pairs if name.strip() not in _THRESHOLDS]:
        raise BadCallError(
            f"--thresholds {text}: there is no threshold called {unknown[0].strip() or 'nothing'}",
            f"Write them like {_EXAMPLE}.",
        )
    changed = {_THRESHOLDS[name.strip()]: value.strip() for name, _, value in pairs}
    known = settings.analysis
    try:
        analysis = type(known).model_validate({**known.model_dump(), **changed})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = next(short for short, key in _THRESHOLDS.items() if key == first["loc"][0])
        raise BadCallError(
            f"--thresholds {text}: {name}: {first['msg']}", f"Write them like {_EXAMPLE}."
        ) from wrong
    return settings.model_copy(update={"analysis": analysis})
