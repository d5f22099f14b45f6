"""Rules that are tried before they are written down."""

from pathlib import Path

import pytest

from node.errors import SettingsError
from node.settings import Destination, SelectionRule, Settings, drafted, load, rules_as_toml

SETTINGS = Settings(destinations=(Destination(name="pacs", ae_title="PACS", port=104),))
RULES = (
    SelectionRule(action="skip", description='*"MIP"*', image_type="DERIVED\\*"),
    SelectionRule(
        action="usual",
        peer="STROKE_CT",
        min_thickness_mm=2.5,
        priority=5,
        model=Path("/opt/models/other.onnx"),
        destinations=("pacs",),
        results=("colour", "summary_page"),
    ),
    SelectionRule(action="analyse", destinations=()),
)


def test_rules_are_written_as_a_settings_file_has_them(tmp_path: Path) -> None:
    """What is written reads as the same rules, as a draft and in a file."""
    text = rules_as_toml(RULES)
    assert drafted(text, SETTINGS) == RULES
    file = tmp_path / "node.toml"
    file.write_text(f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = 104\n{text}')
    assert load(file).analysis.rules == RULES
    assert "min_frames" not in text
    assert "protocol" not in text, "what has its default is left out"


def test_an_empty_draft_has_no_rules() -> None:
    """To try a node without rules is allowed."""
    assert drafted("", SETTINGS) == ()
    assert drafted("# none yet", SETTINGS) == ()


BLOCK = "[[analysis.rules]]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[analysis.rules]", "not valid TOML"),
        (BLOCK, "analysis.rules.0.action: Field required"),
        (BLOCK + 'action = "skip"\nprotocoll = "x"', "did you mean analysis.rules.0.protocol?"),
        (BLOCK + 'action = "skip"\npriority = 12', "it says 12"),
        (BLOCK + 'action = "usual"\ndestinations = ["away"]', "the destinations are pacs"),
        ('data_dir = "/"\n' + BLOCK + 'action = "skip"', "other keys than rules: data_dir"),
        ("[analysis]\nmin_frames = 3", "other keys than rules: analysis.min_frames"),
        ("analysis = 3", "analysis is no section"),
    ],
)
def test_a_draft_that_cannot_be_used_says_what_is_wrong(text: str, words: str) -> None:
    """The key at fault by its name, and how rules are written."""
    with pytest.raises(SettingsError) as fault:
        drafted(text, SETTINGS)
    assert words in str(fault.value)
    assert "[[analysis.rules]]" in fault.value.remedy


def test_every_problem_of_a_draft_is_told_at_once() -> None:
    """Not one after the other, try by try."""
    with pytest.raises(SettingsError) as fault:
        drafted(BLOCK + 'action = "no"\npriority = -1\npeer = 3', SETTINGS)
    for key in ("action", "priority", "peer"):
        assert f"analysis.rules.0.{key}: " in str(fault.value)
