"""The soak's verdict: what grows is seen, and what only warms up is not; ``make soak`` runs it."""

import random

from tests.soak.run import Sample, Tale
from tests.soak.trend import courses
from tests.support.processes import Use

STUDIES = 120


def told(leak_mib: float = 0.0, descriptors: float = 0.0, registry: float = 0.0) -> set[str]:
    """What grows in a made-up run whose process and stores grow by so much a study.

    Its memory is noisy, and rises over the first third of the run.
    """
    rng, size_mib, samples = random.Random(1), 0.0, []
    for number in range(STUDIES):
        warm_mib = 200.0 * min(1.0, number / (STUDIES / 3))
        memory_mib = 500.0 + warm_mib + rng.gauss(0.0, 5.0) + leak_mib * number
        size_mib += 0.05 + registry * number + rng.random() / 100
        use = Use(5, 20 + int(descriptors * number), memory_mib)
        samples.append(Sample(number * 20.0, {"analyse": use}, {"registry": size_mib}))
    return {course.name for course in courses(Tale(samples)) if course.grows}


def test_what_only_warms_up_is_no_trend() -> None:
    """Memory that rises to its height and stays there, and a registry of equal shares."""
    assert told() == set()


def test_a_leak_of_a_little_a_study_is_seen() -> None:
    """An eighth of a MiB of noisy memory, a descriptor in ten studies, a share that grows."""
    assert told(leak_mib=0.125) == {"analyse: memory [MiB]"}
    assert told(descriptors=0.1) == {"analyse: descriptors"}
    assert told(registry=0.0005) == {"registry: share of a study [MiB]"}


def test_a_short_run_says_nothing_of_trends() -> None:
    """Fewer studies than it takes to tell one from noise."""
    assert courses(Tale([])) == []
