"""What a listener has done since its start, as it leaves it below data_dir for others to read."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ListenerVitals:
    """Counts of one listener process; ``statuses`` are C-STORE answers as hexadecimal digits.

    ``host`` is its machine, ``age_s`` how old the counts are [s].
    """

    host: str
    age_s: float
    active_associations: int
    counts: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
