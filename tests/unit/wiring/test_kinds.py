"""Which result objects an analysis makes, by what the destinations want."""

from datetime import UTC, datetime

from node.derived import ALL_KINDS, DEFAULT_KINDS
from node.settings import DEFAULT_RESULTS, Destination, Settings
from node.wiring import Node

NOW = datetime(2026, 3, 14, tzinfo=UTC)


def kinds(*results: tuple[str, ...]) -> tuple[str, ...]:
    """What is made for destinations that want these kinds."""
    wanting = [
        Destination(name=f"pacs{i}", ae_title="PACS", port=104, results=of)
        for i, of in enumerate(results)
    ]
    with Node(Settings(destinations=tuple(wanting))) as node:
        return node.options(1, NOW).encode.kinds


def test_the_usual_objects_are_made_whoever_is_there() -> None:
    """Results are kept for a destination that is set up tomorrow; what few need is not."""
    assert kinds() == kinds(DEFAULT_RESULTS) == kinds(("colour",)) == DEFAULT_KINDS
    assert not {"colour_multiframe", "derived_ct", "rejection_note"} & set(DEFAULT_KINDS)


def test_what_is_not_usual_is_made_once_a_destination_wants_it() -> None:
    """In sending order, beside the usual objects, for one destination among several."""
    wanted = ("rejection_note", "derived_ct", "colour_multiframe")
    assert kinds(("colour",), wanted) == ALL_KINDS
