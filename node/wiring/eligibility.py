"""Which series are analysed, as the settings have it; the status page needs no more than this."""

from node.series import Eligibility, Rule
from node.settings import AnalysisSettings


def rules_of(limits: AnalysisSettings) -> tuple[Rule, ...]:
    """The site's rules, as the series room knows them."""
    return tuple(Rule(**dict(rule)) for rule in limits.rules)


def eligibility(limits: AnalysisSettings, peer: str) -> Eligibility:
    """What a series that this peer sent must have to be analysed."""
    return Eligibility(
        min_frames=limits.min_frames,
        min_coverage_s=limits.min_coverage_s,
        min_slices=limits.min_slices,
        max_interval_s=limits.max_interval_s,
        max_missing_fraction=limits.max_missing_fraction,
        index_interval_s=limits.index_interval_s,
        accept_derived=limits.accept_derived,
        rules=rules_of(limits),
        peer=peer,
    )
