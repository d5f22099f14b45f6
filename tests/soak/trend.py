"""Whether something grows from study to study.

What a process holds is noisy, and rises while it warms up: buffers reach the size of the largest
study, memory that was given back stays with the allocator. So the first third of the studies is
left out, and through the rest a line is laid that outliers do not move (Theil and Sen's: the
median of the slopes between all pairs). Something grows if even the lower end of that slope's
95 % confidence interval is over what is allowed. Spool, registry and log keep what they are given,
on purpose: for them it is a study's share that must not grow.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from scipy.stats import theilslopes

from tests.soak.run import Tale

WARMING_UP = 1 / 3
# Growth in a hundred studies, some days of a busy site, that is not told apart from noise.
ALLOWED = {"memory_mib": 4.0, "threads": 0.5, "descriptors": 0.5}
# Of a study's share in a store in a hundred studies, as a part of it.
SHARE = 0.1
# Studies come in three sizes, and a database grows by pages: a share is a mean over so many.
TOGETHER = 6
FEWEST = 4 * TOGETHER


@dataclass(frozen=True)
class Course:
    """One measure from study to study.

    ``warm`` and ``last`` are medians of a tenth of the run, after the warming up and at its end;
    ``per_hundred`` is the interval of the slope, as growth in a hundred studies.
    """

    name: str
    first: float
    warm: float
    last: float
    per_hundred: tuple[float, float]
    allowed: float

    @property
    def grows(self) -> bool:
        """Whether a trend is there."""
        return self.per_hundred[0] > self.allowed


def course(name: str, values: Sequence[float], allowed: float, apart: int = 1) -> Course:
    """The course of a measure with one value in every ``apart`` studies."""
    settled = values[int(len(values) * WARMING_UP) :]
    _, _, low, high = theilslopes(settled, range(0, apart * len(settled), apart), 0.95)
    tenth = max(1, len(values) // 10)
    return Course(
        name,
        values[0],
        median(settled[:tenth]),
        median(settled[-tenth:]),
        (100 * float(low), 100 * float(high)),
        allowed,
    )


def courses(tale: Tale) -> list[Course]:
    """Every process' and every store's; none where there are too few studies."""
    if len(tale.samples) < FEWEST:
        return []
    return [*_processes(tale), *_stores(tale)]


def _processes(tale: Tale) -> list[Course]:
    found = []
    for part, measure in itertools.product(tale.samples[0].uses, ALLOWED):
        uses = [sample.uses[part] for sample in tale.samples if part in sample.uses]
        values = [float(getattr(use, measure)) for use in uses]
        title = measure.replace("_mib", " [MiB]")
        found.append(course(f"{part}: {title}", values, ALLOWED[measure]))
    return found


def _stores(tale: Tale) -> list[Course]:
    found = []
    for store in tale.samples[0].stores_mib:
        sizes = [sample.stores_mib[store] for sample in tale.samples[::TOGETHER]]
        shares = [(after - before) / TOGETHER for before, after in itertools.pairwise(sizes)]
        title = f"{store}: share of a study [MiB]"
        found.append(course(title, shares, SHARE * mean(shares), TOGETHER))
    return found
