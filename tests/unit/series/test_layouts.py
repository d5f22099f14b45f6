"""One scan in every layout that it may arrive in: the same geometry, times and pixels."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from node.perfusion import raised
from node.refusals import Refusal
from node.series import (
    CtpSeries,
    Eligibility,
    Instance,
    put_together,
    read_header,
    recognise,
    source_checks,
    stack,
)
from node.series.timing import CLOCKS
from tests.support.ctp import build_series, head_scan, write_series
from tests.support.documents import ROOT, table
from tests.support.layouts import LAYOUTS, Layout


def scans_of(layout: Layout, folder: Path) -> list[list[Instance]]:
    """Written to files, read again, and put together where time points are series."""
    series: dict[str, list[Instance]] = defaultdict(list)
    for path in write_series(layout.write(build_series(layout.spec)), folder):
        header = read_header(path)
        series[header.series_instance_uid].append(Instance(header, path))
    return put_together(dict(sorted(series.items())))


def slices_of(layout: Layout, series: CtpSeries) -> slice:
    """Which of the slices that were written the scan has: all, or those of a slab."""
    z_mm = layout.spec.geometry.along_mm
    first = int(np.abs(z_mm - series.geometry.along_mm[0]).argmin())
    return slice(first, first + len(z_mm) // layout.slabs)


def require_same(layout: Layout, series: CtpSeries) -> None:
    """The series, stacked, is the scan that was written."""
    stacked = stack(series, 1.0)
    assert not isinstance(stacked, Refusal), stacked
    scan, truth, wanted = stacked.scan, head_scan(layout.spec), layout.spec.geometry
    part = slices_of(layout, series)
    time_s, there = truth.time_s[: layout.frames, part], ~scan.missing
    if layout.time_s is not None:
        time_s = np.array([[layout.time_s(t, z) for z in range(6)] for t in range(layout.frames)])
    assert int(scan.missing.sum()) == layout.missing
    np.testing.assert_allclose(scan.time_s[there], time_s[there] - time_s.min(), atol=1e-3)
    hu = np.clip(truth.hu, -1024, 3071)[: layout.frames, part]
    if layout.padded:
        hu[..., :2, :2] = -1024
    assert scan.hu.shape == hu.shape
    np.testing.assert_array_equal(scan.hu[there], hu[there])
    np.testing.assert_allclose(stacked.geometry.position_mm, wanted.position_mm[part], atol=0.01)
    np.testing.assert_allclose(stacked.geometry.orientation, wanted.orientation, atol=1e-5)
    assert stacked.geometry.spacing_mm == pytest.approx(wanted.spacing_mm, abs=0.01)
    assert stacked.geometry.frame_of_reference_uid == wanted.frame_of_reference_uid


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_the_same_scan_or_refused_as_documented(
    layout: Layout, tmp_path: Path
) -> None:
    """Geometry within 0.01 mm, times within 1 ms, pixels equal; or the refusal that is named."""
    scans = scans_of(layout, tmp_path)
    assert len(scans) == layout.scans
    for instances in scans:
        outcome = recognise(instances, Eligibility(index_interval_s=layout.index_interval_s))
        if isinstance(outcome, Refusal):
            assert layout.outcome == f"refused, {outcome.code}", outcome
        else:
            require_same(layout, outcome)
            codes = [flag.code for flag in raised(source_checks(outcome))]
            assert codes == re.findall(r"flagged (\w+)", layout.outcome)


def test_the_document_names_every_layout_and_what_happens() -> None:
    """The table is the tests' own list, word for word."""
    rows = table(ROOT / "docs" / "input.md", "Layouts")
    said = {row["layout"]: row["what happens"] for row in rows}
    assert said == {name: layout.outcome for name, layout in LAYOUTS.items()}


def test_the_document_gives_the_clocks_in_the_order_of_trust() -> None:
    """What is read for the time, and which comes first."""
    text = (ROOT / "docs" / "input.md").read_text()
    listed = re.findall(r"^\d+\. `(\w+)`", text, re.MULTILINE)
    assert tuple(listed) == CLOCKS
