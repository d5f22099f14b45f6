import pytest

from node.perfusion import Grade, QualityCheck, Reading, gravest_first, raised


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (14.96, "HU", "15 HU"),
        (14.94, "HU", "14.9 HU"),
        (233.4, "HU", "233 HU"),
        (8000.0, "", "8000"),
        (0.00241, "mm", "0 mm"),
        (-0.001, "s", "0 s"),
        (1.04, "°", "1.04°"),
        (None, "s", "none"),
    ],
)
def test_a_number_is_told_as_finely_as_it_can_be_read(
    value: float | None, unit: str, words: str
) -> None:
    """Three digits, hundredths at most, the unit as people write it."""
    assert Reading("noise", value, unit, "at most 12").measured == words


def test_flags_are_the_checks_that_are_not_ok_the_gravest_first() -> None:
    """Failures before cautions before what is ok, else in the order of the analysis."""
    grades = (Grade.OK, Grade.CAUTION, Grade.FAIL, Grade.CAUTION)
    checks = [QualityCheck(f"c{n}", grade, "found") for n, grade in enumerate(grades)]
    assert [check.code for check in gravest_first(checks)] == ["c2", "c1", "c3", "c0"]
    assert [check.code for check in raised(checks)] == ["c1", "c2", "c3"]
