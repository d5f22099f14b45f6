"""What an analysis depends on besides images and model, as the settings have it."""

from collections.abc import Sequence
from datetime import datetime

from node import __version__
from node.derived import ALL_KINDS, DEFAULT_KINDS, EarlierResult, EncodeOptions, ObjectKind
from node.perfusion import LesionThresholds
from node.route import AnalyseOptions
from node.settings import Settings
from node.wiring.eligibility import eligibility


def analyse_options(
    settings: Settings,
    revision: int,
    created: datetime,
    supersedes: Sequence[EarlierResult],
    peer: str,
) -> AnalyseOptions:
    """The options of a revision's analysis; see :meth:`node.wiring.Node.options`."""
    limits, results = settings.analysis, settings.results
    return AnalyseOptions(
        eligibility=eligibility(limits, peer),
        max_pixel_mm=limits.max_pixel_mm,
        max_slice_mm=limits.max_slice_mm,
        thresholds=LesionThresholds(
            tmax_s=limits.tmax_hypoperfusion_s,
            rcbf=limits.rcbf_core,
            min_lesion_ml=limits.min_lesion_ml,
        ),
        encode=EncodeOptions(
            revision=revision,
            created=created.astimezone(),
            software_version=__version__,
            uid_root=results.uid_root,
            series_number=results.series_number,
            colour_table=results.colour_table,
            kinds=_kinds(settings),
            supersedes=tuple(supersedes),
            rejection_reason=results.rejection_reason,
        ),
    )


def _kinds(settings: Settings) -> tuple[ObjectKind, ...]:
    """What is made: what every PACS can use, and whatever else a destination wants."""
    wanted = {kind for d in settings.destinations for kind in d.results}
    return tuple(k for k in ALL_KINDS if k in DEFAULT_KINDS or k in wanted)
