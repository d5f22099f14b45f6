"""The curves as drawings."""

import pytest

from node.ports import Curve
from node.status.charts import HEIGHT, WIDTH, charts

TIMES = tuple(float(t) for t in range(0, 60, 2))


def points(text: str) -> list[tuple[float, float]]:
    return [tuple(map(float, each.split(","))) for each in text.split()]  # type: ignore[misc]


def test_contrast_and_movement_are_two_drawings() -> None:
    """Each with what is known of it, and a sentence for those who do not see it."""
    artery = Curve("artery", "HU", TIMES, tuple(10 * t for t in TIMES))
    tissue = Curve("tissue", "HU", TIMES, tuple(t / 5 for t in TIMES))
    moved = Curve("moved", "mm", TIMES, tuple(t / 60 for t in TIMES))
    bolus, motion = charts((artery, tissue, moved, Curve("left_out", "", (4.0, 6.0))))
    assert [line.name for line in bolus.lines] == ["Artery [HU]", "Tissue [HU, right]"]
    assert bolus.told == "artery at most 580.0 HU; tissue at most 11.6 HU"
    assert len(motion.crosses) == 2
    assert motion.told.endswith("2 time points left out")
    assert [tick.text for tick in bolus.times] == [f"{t} s" for t in range(0, 51, 10)]


@pytest.mark.parametrize("values", [(0.0,) * 30, tuple(-t for t in TIMES), (1e6,) * 30])
def test_every_point_lies_in_the_drawing(values: tuple[float, ...]) -> None:
    """Flat, falling and huge curves are drawn within the axes."""
    (chart,) = charts((Curve("artery", "HU", TIMES, values),))
    for x, y in points(chart.lines[0].points):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_without_an_artery_the_tissue_has_the_left_axis() -> None:
    """No axis stands there without a curve; without any curve there is no drawing."""
    (chart,) = charts((Curve("tissue", "HU", TIMES, TIMES),))
    assert chart.lines[0].name == "Tissue [HU]"
    assert chart.right == ()
    assert charts(()) == ()
