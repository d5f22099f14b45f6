"""Everything breaks at random while studies keep coming; the long form is ``make chaos``."""

from itertools import islice
from pathlib import Path

from tests.chaos.plan import Fault, strokes
from tests.chaos.run import Weather, chaos


def test_a_node_that_is_broken_at_random_loses_doubles_and_strands_nothing(tmp_path: Path) -> None:
    """What was acknowledged is on disk, in the registry and, as results, in the PACS, once."""
    *_, tale = chaos(tmp_path, Weather(seed=1, seconds=20.0, pace_s=1.5, workers=1))
    assert tale.sound, (tale.audit, tale.crashes)
    assert tale.sender is not None
    assert tale.sender.studies


def test_the_same_seed_draws_the_same_faults() -> None:
    """A run can be repeated, and in every dozen each fault comes once."""
    dozen = list(islice(strokes(7, 2.0), len(Fault)))
    assert dozen == list(islice(strokes(7, 2.0), len(Fault)))
    assert {stroke.fault for stroke in dozen} == set(Fault)
