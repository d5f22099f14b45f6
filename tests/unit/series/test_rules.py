"""Rules tried on a series: which condition keeps which from matching."""

from node.series import Header, Rule, deciding_rule, tried


def header(description: str = "Head Perfusion", thickness_mm: float | None = 5.0) -> Header:
    return Header(
        *("1.2",) * 5,
        series_description=description,
        protocol_name="Stroke",
        image_type=("ORIGINAL", "PRIMARY"),
        slice_thickness_mm=thickness_mm,
    )


def test_a_rule_tells_which_conditions_do_not_hold() -> None:
    """Each in words; none where it matches."""
    rule = Rule(
        "usual",
        peer="CT_A",
        description="*mip*",
        protocol="stroke*",
        image_type="DERIVED*",
        min_thickness_mm=2,
        max_thickness_mm=4,
    )
    told = ('from "CT_A"', 'description "*mip*"', 'image type "DERIVED*"', "slices of 4 mm or less")
    assert rule.unmet(header(), "CT_B") == told
    assert not rule.matches(header(), "CT_B")
    assert Rule("usual", peer="ct_?", protocol="STROKE").unmet(header(), "CT_B") == ()
    assert Rule("usual").unmet(header()) == ()


def test_what_says_no_thickness_meets_no_condition_about_it() -> None:
    """Unknown is neither thick nor thin."""
    rule = Rule("skip", min_thickness_mm=0, max_thickness_mm=99)
    assert rule.unmet(header(thickness_mm=None)) == (
        "slices of 0 mm or more",
        "slices of 99 mm or less",
    )
    assert rule.matches(header(thickness_mm=99.0))


def test_each_rule_is_tried_on_every_image() -> None:
    """The rule of most images decides, though an earlier one speaks of some."""
    images = [header("scout"), *[header()] * 3]
    rules = (Rule("skip", description="scout"), Rule("usual", priority=3), Rule("analyse"))
    trials = tried(images, rules, "CT_A")
    assert [trial.images for trial in trials] == [1, 4, 4]
    assert [trial.unmet for trial in trials] == [('description "scout"',), (), ()]
    assert deciding_rule(images, rules, "CT_A") is rules[1]
    assert tried(images, ()) == []
