"""`analyse` on scans that went wrong: each ends as docs/input.md says, nothing in silence."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import ROOT, table
from tests.support.prompt import Said, perfusion_node
from tests.support.unsound import SOUND, UNSOUND, Unsound

REFUSED, SAME = "refused, ", SOUND.outcome
SEEN_IN_PIXELS = ("refused, no_bolus", "refused, motion")
USUAL = ["coverage", "partial_volume"]
"""The flags of the patient lying still: six slices, and a thin artery."""


def analysed(scan: Unsound, folder: Path) -> Said:
    dicom = scan.write(folder / "dicom")
    return perfusion_node("analyse", dicom, "--out", folder / "out", "--no-html", "--json")


def measured(series: dict[str, Any]) -> dict[str, float]:
    return {key: each["value"] for key, each in series["measurements"].items()}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is said of the patient whose scan went well."""
    [series] = analysed(SOUND, tmp_path_factory.mktemp("sound")).json["series"]
    return dict(series)


@pytest.mark.parametrize("scan", UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_scan_ends_as_documented(
    scan: Unsound, sound: dict[str, Any], tmp_path: Path
) -> None:
    """Refused with one page that says why; or analysed, flagged, the lesion where it was."""
    said = analysed(scan, tmp_path)
    [series] = said.json["series"]
    kinds = [file["kind"] for file in series["files"]]
    if scan.outcome.startswith(REFUSED):
        assert (said.code, series["state"]) == (1, "refused")
        assert series["reason"]["code"] == scan.outcome.removeprefix(REFUSED)
        assert scan.told in series["reason"]["found"]
        assert kinds == ["refusal_page"]
        return
    assert (said.code, series["state"]) == (0, "analysed")
    flags = sorted(flag["code"] for flag in series["flags"] if flag["code"] not in USUAL)
    assert ", flagged ".join(["analysed", *flags]) == scan.outcome.replace(SAME, "analysed")
    assert scan.told in " ".join(flag["found"] for flag in series["flags"])
    found, usual = measured(series), measured(sound)
    assert found["hypoperfusion_ml"] == pytest.approx(usual["hypoperfusion_ml"], rel=0.2)
    if scan.outcome == SAME:
        assert found == usual


@pytest.mark.parametrize("scan", UNSOUND.values(), ids=UNSOUND)
def test_what_headers_tell_is_told_before_the_analysis(scan: Unsound, tmp_path: Path) -> None:
    """`explain` gives the reason of a refusal in words, but for what only the pixels show."""
    folder = scan.write(tmp_path)
    said = perfusion_node("explain", folder)
    [told] = perfusion_node("explain", folder, "--json").json
    refused = scan.outcome.startswith(REFUSED) and scan.outcome not in SEEN_IN_PIXELS
    assert told["analysed"] == (not refused)
    if refused:
        assert told["reason"]["code"] == scan.outcome.removeprefix(REFUSED)
        assert f"Would not be analysed: {told['reason']['found']}" in said.out
    else:
        assert "Would be analysed." in said.out


def test_the_document_names_every_unsound_scan_and_how_it_ends() -> None:
    """The table is the tests' own list, word for word."""
    rows = table(ROOT / "docs" / "input.md", "Scans that went wrong")
    said = {row["what went wrong"]: row["how it ends"] for row in rows}
    assert said == {name: scan.outcome for name, scan in UNSOUND.items()}
