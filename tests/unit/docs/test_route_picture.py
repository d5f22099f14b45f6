"""docs/images/route.svg: the rooms that there are, drawn so that they can be read."""

import importlib
import itertools
from xml.etree import ElementTree

from docs.images.make_route import _BOX, BOXES, HEIGHT, PICTURE, WIDTH, drawn
from tests.support.documents import ROOT

OUTSIDE = {"scanner, PACS", "PACS", "DICOMweb server", "a Refusal"}
LETTER_PX = 5.9
"""An average letter of the small type."""


def test_the_picture_is_what_its_script_draws() -> None:
    """Nobody drew in it by hand; it is XML, and a page can show it."""
    assert PICTURE.read_text() == drawn()
    assert ElementTree.fromstring(drawn()).tag.endswith("svg")  # noqa: S314 - our own
    assert "images/route.svg" in (ROOT / "docs" / "architecture.md").read_text()


def test_every_stop_is_a_room_or_a_verb_of_one() -> None:
    """What is renamed in the code has another name in the picture."""
    for box in (box for box in BOXES if box.name not in OUTSIDE):
        for name in box.name.split(", "):
            room, _, verb = name.partition(".")
            if not (ROOT / "node" / room).is_dir():
                room, verb = "perfusion", name
            assert (ROOT / "node" / room).is_dir(), name
            assert not verb or hasattr(importlib.import_module(f"node.{room}"), verb), name


def test_stops_lie_apart_and_their_words_within_them() -> None:
    """No box over another or over the edge, no line longer than its box."""
    for box in BOXES:
        assert 0 < box.x < box.x + box.width < WIDTH
        assert 0 < box.y < box.y + _BOX < HEIGHT
        assert all(len(words) * LETTER_PX <= box.width for words in box.words), box.name
    for one, other in itertools.combinations(BOXES, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        above = one.y + _BOX <= other.y or other.y + _BOX <= one.y
        assert beside or above, (one.name, other.name)
