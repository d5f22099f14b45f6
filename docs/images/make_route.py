"""Draws docs/images/route.svg: a scan's way through the node, room by room.

Run from the repository's root: ``python -m docs.images.make_route``. The picture follows the
reader's light or dark colours by itself, and its words are text: they can be searched and read out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

PICTURE = Path(__file__).parent / "route.svg"
WIDTH, HEIGHT = 1040, 560
_BOX = 62
_STYLE = """
  svg { --ground: #ffffff; --box: #eef3f8; --line: #3b5b7a; --text: #16212c; --dim: #51606f;
        --outside: #fdf3e1; --truth: #e3f1e5; font-family: "DejaVu Sans", Arial, sans-serif }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #10161d; --box: #1c2836; --line: #8fb3d6; --text: #eef3f8; --dim: #a9b8c7;
          --outside: #3a2f1a; --truth: #1b3523 } }
  rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2 }
  rect.ground { fill: var(--ground); stroke: none }
  rect.outside { fill: var(--outside) } rect.truth { fill: var(--truth) }
  rect.lane { fill: none; stroke-dasharray: 3 4; stroke-width: 1 }
  text { fill: var(--text); font-size: 14px; text-anchor: middle }
  text.dim { fill: var(--dim); font-size: 11.5px } text.lane { text-anchor: start }
  path { stroke: var(--line); stroke-width: 1.6; fill: none; marker-end: url(#tip) }
  path.look { stroke-dasharray: 5 4 } marker path { fill: var(--line); stroke: none }
""".strip("\n")


@dataclass(frozen=True)
class Box:
    """A stop: what it is called, what it does or hands on, and where it stands."""

    name: str
    words: tuple[str, ...]
    x: int
    y: int
    width: int = 138
    kind: str = ""

    def __str__(self) -> str:
        middle = self.x + self.width // 2
        lines = [
            f'<rect class="{self.kind}" x="{self.x}" y="{self.y}" '
            f'width="{self.width}" height="{_BOX}" rx="7"/>',
            f'<text x="{middle}" y="{self.y + 22}">{escape(self.name)}</text>',
        ]
        for number, words in enumerate(self.words):
            place = f'x="{middle}" y="{self.y + 39 + 14 * number}"'
            lines.append(f'<text class="dim" {place}>{escape(words)}</text>')
        return "\n".join(lines)


BOXES = (
    Box("scanner, PACS", ("push studies",), 20, 40, kind="outside"),
    Box("scp", ("may you send,", "and is it safe?"), 230, 40),
    Box("spool", ("every file,", "durable"), 470, 40, kind="truth"),
    Box("registry", ("every series' state:", "the truth"), 660, 40, kind="truth"),
    Box("status, cli, alerts", ("what people see,", "ask and are told"), 880, 40, width=140),
    Box("series.recognise", ("is it one CT", "perfusion scan?"), 30, 210),
    Box("series.stack", ("headers and pixels", "to DynamicCt"), 200, 210),
    Box("correct_motion", ("perfusion: the head", "laid back"), 370, 210),
    Box("prepare", ("perfusion: grid, brain,", "to ModelInput"), 540, 210),
    Box("inference", ("network in ONNX Run-", "time: PerfusionMaps"), 710, 210),
    Box("derived.encode", ("lesion, quality, maps", "to DICOM objects"), 880, 210, width=140),
    Box("scu", ("C-STORE, storage", "commitment, C-FIND"), 540, 380),
    Box("stow", ("STOW-RS,", "QIDO-RS"), 540, 460),
    Box("PACS", ("maps in the same study", "for any viewer"), 800, 380, width=170, kind="outside"),
    Box("DICOMweb server", ("the same",), 800, 460, width=170, kind="outside"),
    Box("a Refusal", ("code, what was found,", "what to do: one page"), 30, 380, width=170),
)
# Path, words beside it, where these stand; what is dashed is looked up, never a message.
ARROWS = (
    ("M158 71 H224", "C-STORE", (192, 62), ""),
    ("M368 71 H464", "file, row", (417, 62), ""),
    ("M608 71 H654", "", (0, 0), ""),
    ("M798 71 H874", "reads", (836, 62), "look"),
    ("M729 102 V150 H99 V204", "jobs.analyse: COMPLETE, by priority and turns", (300, 142), "look"),
    ("M168 241 H194", "", (0, 0), ""),
    ("M338 241 H364", "", (0, 0), ""),
    ("M508 241 H534", "", (0, 0), ""),
    ("M678 241 H704", "", (0, 0), ""),
    ("M848 241 H874", "", (0, 0), ""),
    ("M950 210 V158 H560 V108", "result files, READY", (860, 150), ""),
    ("M99 272 V374", "cannot be analysed", (166, 330), ""),
    ("M200 411 H534", "", (0, 0), ""),
    (
        "M770 102 V128 H1032 V330 H609 V374",
        "jobs.deliver: READY, each destination",
        (790, 322),
        "look",
    ),
    ("M678 411 H794", "associations", (750, 402), ""),
    ("M678 491 H794", "HTTPS", (736, 482), ""),
    ("M700 330 V474 H684", "", (0, 0), "look"),
)


def drawn() -> str:
    """The picture as SVG."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="A scan from C-STORE in, through the rooms of the node, to C-STORE out">'
    )
    yield f"<style>\n{_STYLE}\n</style>"
    yield (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    )
    yield f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>'
    yield '<rect class="lane" x="14" y="176" width="1014" height="112" rx="9"/>'
    yield '<text class="dim lane" x="182" y="196">route.analyse, in a worker with a lease</text>'
    for path, words, (x, y), kind in ARROWS:
        yield f'<path class="{kind}" d="{path}"/>'
        if words:
            yield f'<text class="dim" x="{x}" y="{y}">{escape(words)}</text>'
    yield from map(str, BOXES)
    yield (
        f'<text class="dim lane" x="20" y="{HEIGHT - 12}">Dashed: looked up in the registry by '
        "whoever is free; a message in Redis only says that looking is worth while.</text>"
    )
    yield "</svg>"


if __name__ == "__main__":
    PICTURE.write_text(drawn())
