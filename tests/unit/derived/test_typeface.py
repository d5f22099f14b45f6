"""Letters on pages: of every script that there is a font for, and never a box."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from node.derived import refusal_page, typeface
from node.derived.annotation import wrapped
from node.derived.summary import identity
from node.refusals import Refusal, RefusalCode
from tests.support.ctp import CtpSpec
from tests.support.peers import require_file
from tests.unit.derived.case import OPTIONS, source

SPEC = CtpSpec(slices=1, frames=2, rows=16, pixel_mm=12.0, charset="ISO_IR 192")
REFUSAL = Refusal(RefusalCode.TOO_SHORT, "it covers 18 s", "Send more.")
NOWHERE = Path("/nowhere.ttf")


@pytest.fixture
def ideographs() -> None:
    require_file(typeface.FALLBACK, package="fonts-wqy-microhei")


def drawn(text: str) -> np.ndarray:
    """A text as it comes out."""
    image = Image.new("L", (400, 40))
    typeface.draw_text(ImageDraw.Draw(image), (4, 30), text, 20, fill=255)
    return np.asarray(image)


@pytest.mark.usefixtures("ideographs")
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou  山田, 太郎"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong  洪, 吉洞"),
        ("王^小东", "王, 小东"),
        ("==やまだ^たろう", "やまだ, たろう"),
        ("قباني^لنزار=王^小东", "王, 小东"),
    ],
)
def test_a_name_stands_in_letters_and_in_ideographs(written: str, shown: str) -> None:
    """Whoever reads either finds the patient."""
    assert identity.name(source(replace(SPEC, patient_name=written))) == shown


@pytest.mark.usefixtures("ideographs")
@pytest.mark.parametrize("text", ["山田太郎", "홍길동", "やまだ", "王小东"])
def test_every_letter_has_a_shape_of_its_own(text: str) -> None:
    """What a font lacks comes out as one and the same box; these differ from each other."""
    assert typeface.is_drawable(text)
    shapes = {drawn(letter).tobytes() for letter in text}
    assert len(shapes) == len(set(text))
    assert drawn("\uffff").tobytes() not in shapes


@pytest.mark.usefixtures("ideographs")
def test_a_line_of_two_scripts_is_as_wide_as_its_parts() -> None:
    """One part begins where the other ends, on one baseline; long lines still break."""
    both = typeface.length("CT 山田 head", 20)
    parts = sum(typeface.length(t, 20) for t in ("CT ", "山田", " head"))
    assert both == pytest.approx(parts)
    columns = np.flatnonzero(drawn("CT 山田 head").any(axis=0))
    assert 4 <= columns[0] < 8
    assert both - 8 < columns[-1] < both + 6
    lines = wrapped("山田太郎" * 20, 200, 20)
    assert len(lines) > 5
    assert all(typeface.length(line, 20) <= 200 for line in lines)


def test_plain_text_is_drawn_as_ever() -> None:
    """Of letters that DejaVu Sans has, not a pixel depends on what else is installed."""
    image = Image.new("L", (400, 40))
    face = typeface.font(20)
    ImageDraw.Draw(image).text((4, 30), "Müller, Łukasz ≥ 6 s", fill=255, font=face, anchor="ls")
    assert (drawn("Müller, Łukasz ≥ 6 s") == np.asarray(image)).all()


@pytest.mark.parametrize("installed", [False, True], ids=["no font", "font"])
def test_a_refusal_page_says_in_words_what_it_cannot_draw(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A description in ideographs is drawn where there is a font, and else told; never boxes."""
    if installed:
        require_file(typeface.FALLBACK, package="fonts-wqy-microhei")
    else:
        monkeypatch.setattr(typeface, "FALLBACK", NOWHERE)

    def page(description: str) -> np.ndarray:
        origin = source(SPEC, {"SeriesDescription": description})
        return np.asarray(refusal_page(origin, REFUSAL, OPTIONS).dataset.pixel_array)

    same = (page("頭部灌流") == page("脳血流量")).all()
    assert bool(same) is not installed
