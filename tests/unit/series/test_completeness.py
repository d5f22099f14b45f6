"""Completeness by content."""

import time
from dataclasses import replace

import pytest

from node.series import Header, completeness
from tests.support.ctp import CtpSpec, build_series, header_of

HEADERS = [header_of(d) for d in build_series(CtpSpec(rows=4))]


def test_a_whole_grid_is_complete() -> None:
    """Every slice position has every time point."""
    found = completeness(HEADERS)
    assert (found.complete, found.slices, found.frames, found.received) == (True, 4, 12, 48)
    assert found.missing == ""


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        ([], "no CT slice"),
        (HEADERS[:1], "second time point"),
        (HEADERS[:4], "second time point"),
        (HEADERS[:6], "2 of 4 slices lack 2"),
        (HEADERS[:20] + HEADERS[21:], "1 of 4 slices lack 1"),
    ],
)
def test_a_grid_with_gaps_names_what_is_missing(headers: list[Header], missing: str) -> None:
    """What is not there yet is said in words, for the status page."""
    found = completeness(headers)
    assert not found.complete
    assert missing in found.missing


def test_duplicates_and_localizers_do_not_count() -> None:
    """A study sent twice, or with its topogram, is as complete as it was."""
    topogram = replace(
        HEADERS[0], sop_instance_uid="1.2", image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")
    )
    assert completeness([*HEADERS, *HEADERS, topogram]) == completeness(HEADERS)


@pytest.mark.parametrize(
    ("announced", "complete"),
    [
        ({"temporal_positions": 12}, True),
        ({"temporal_positions": 13}, False),
        ({"images_in_acquisition": 4}, True),
        ({"images_in_acquisition": 5}, False),
    ],
)
def test_an_announced_count_must_be_met(announced: dict[str, int], complete: bool) -> None:
    """Where the sender says how many there are, the grid waits for them."""
    headers = [
        replace(
            h,
            temporal_positions=announced.get("temporal_positions"),
            images_in_acquisition=announced.get("images_in_acquisition"),
        )
        for h in HEADERS
    ]
    assert completeness(headers).complete is complete


def test_eight_thousand_headers_are_weighed_in_no_time() -> None:
    """It is asked after every batch of images: quick, and linear in their number."""
    many = [
        replace(h, sop_instance_uid=f"1.{volume}.{i}", position_mm=(0.0, 0.0, i % 4 + 8.0 * volume))
        for volume in range(170)
        for i, h in enumerate(HEADERS)
    ]
    before = time.process_time()
    found = completeness(many)
    assert (found.complete, found.slices, found.received) == (True, 680, 8160)
    # 0.03 s on an idle core; the bound only catches work that is quadratic.
    assert time.process_time() - before < 1.0
