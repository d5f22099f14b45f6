"""Pausing and resuming at a prompt."""

from pathlib import Path

from node.ports import Activity
from tests.support import registered
from tests.support.prompt import perfusion_node, registry_of, settings_file


def test_a_pause_is_noted_in_the_registry_with_who_asked(tmp_path: Path) -> None:
    """It says what it means and how it ends, and a resume ends it."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.receive(registry)
    said = perfusion_node("pause", "delivering", "--config", config)
    assert said.code == 0
    assert "perfusion-node resume delivering" in said.out
    with registry_of(config) as registry:
        (made,) = registry.pauses()
    assert made.activity is Activity.DELIVERING
    assert made.by.endswith(" at the prompt")
    again = perfusion_node("pause", "delivering", "--json", "--config", config).json
    assert again["since"] == made.since.isoformat()
    assert "goes on" in perfusion_node("resume", "delivering", "--config", config).out
    assert "was not paused" in perfusion_node("resume", "delivering", "--config", config).out


def test_only_what_there_is_can_be_paused(tmp_path: Path) -> None:
    """A word that is no activity is a bad call that names those there are."""
    said = perfusion_node("pause", "thinking", "--config", settings_file(tmp_path))
    assert said.code == 2
    assert "receiving" in said.err


def test_a_series_is_put_first_and_analysed_again_at_a_prompt(tmp_path: Path) -> None:
    """The two commands say what came of them."""
    config = settings_file(tmp_path)
    with registry_of(config) as registry:
        registered.complete(registry)
    first = perfusion_node("prioritise", registered.SERIES, "--config", config)
    assert (first.code, first.out) == (0, f"{registered.SERIES} is now COMPLETE\n")
    with registry_of(config) as registry:
        registered.finish(registry, reason=registered.REFUSED)
    again = perfusion_node("reanalyse", registered.SERIES, "--json", "--config", config)
    assert again.json == {"series_instance_uid": registered.SERIES, "state": "COMPLETE"}
    late = perfusion_node("reanalyse", registered.SERIES, "--config", config)
    assert late.code == 1
    assert "has not ended yet" in late.err
