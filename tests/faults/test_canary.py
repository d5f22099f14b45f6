"""The canary through a whole node: its numbers are right, and no PACS hears of it."""

from pathlib import Path

from tests.support.listening import listening
from tests.support.running_node import running_node


def test_a_canary_goes_through_the_whole_node_and_to_no_pacs(tmp_path: Path) -> None:
    """It is taken in though others are not, its maps are right, and nothing of it stays."""
    with listening(tmp_path / "archive") as archive:
        pacs = f'[[destinations]]\nname = "pacs"\nae_title = "PERFUSION"\nport = {archive.port}\n'
        with running_node(tmp_path / "node", pacs) as node:
            verdict = node.ask("canary")
            assert verdict["good"], verdict
            assert {n["against"] for n in verdict["numbers"]} == {"truth", "network"}
            assert node.series() == []
            (run,) = node.ask("canary", "--history")
            assert run["good"] is True
            held = [p for p in (tmp_path / "node" / "data" / "spool").rglob("*.dcm") if p.is_file()]
        assert not archive.intake.rows
        assert archive.listener.counts.associations == 0
    assert held == []
