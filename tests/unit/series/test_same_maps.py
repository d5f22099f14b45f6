"""One scan in every layout and transfer syntax: the maps and volumes that its pixels have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.inference import OnnxModel, load_model
from node.perfusion import (
    Corrected,
    DynamicCt,
    Lesion,
    LesionThresholds,
    ModelInput,
    PerfusionMaps,
    correct_motion,
    find_lesion,
    prepare,
)
from node.refusals import Refusal, RefusalCode
from node.series import Eligibility, recognise, stack
from node.settings import WEIGHTS
from tests.support.ctp import head_scan
from tests.support.layouts import LAYOUTS, Layout
from tests.support.syntaxes import SYNTAXES
from tests.unit.series.test_layouts import scans_of, slices_of
from tests.unit.series.test_syntaxes import SPEC, recognised, scan_in

ACCEPTED = {name: each for name, each in LAYOUTS.items() if each.outcome.startswith("the same ")}
LOSSY = [name for name, each in SYNTAXES.items() if each.off_by_hu]
NEAR = 0.01  # of each quantity's unit; times agree to 1 ms, so that maps are not equal to the bit


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return load_model(WEIGHTS / "perfusion.onnx", device="cpu", threads=1)


def analysed(model: OnnxModel, scan: DynamicCt) -> tuple[PerfusionMaps, Lesion]:
    """What the node computes of a scan."""
    corrected = correct_motion(scan)
    assert isinstance(corrected, Corrected), corrected
    prepared = prepare(corrected.scan, model.grid)
    assert isinstance(prepared, ModelInput), prepared
    maps = model.predict(prepared)
    return maps, find_lesion(maps, LesionThresholds())


def written(layout: Layout, part: slice = slice(None)) -> DynamicCt:
    """The scan that a layout was made of, as it is in memory; of a slab, its slices."""
    scan = head_scan(layout.spec)
    frames, slices = layout.frames, scan.shape[1]
    time_s, hu = scan.time_s[:frames], scan.hu[:frames].copy()
    if layout.time_s is not None:
        time_s = np.array([[layout.time_s(t, z) for z in range(slices)] for t in range(frames)])
    if layout.missing:
        hu[4, 3] = (hu[3, 3] + hu[5, 3]) / 2
    hu, time_s = hu[:, part], time_s[:, part] - time_s[:, part].min()
    return DynamicCt(hu, time_s, scan.spacing_mm, np.zeros(time_s.shape, bool))


def require_same_maps(model: OnnxModel, arrived: DynamicCt, truth: DynamicCt) -> None:
    """Maps and volumes of what arrived are those of what was sent."""
    maps, lesion = analysed(model, arrived)
    wanted, volumes = analysed(model, truth)
    assert volumes.hypoperfusion_ml > 5.0
    for quantity, values in wanted.values.items():
        np.testing.assert_allclose(maps[quantity], values, atol=NEAR, err_msg=quantity)
    assert lesion.hypoperfusion_ml == pytest.approx(volumes.hypoperfusion_ml, abs=NEAR)
    assert lesion.core_ml == pytest.approx(volumes.core_ml, abs=NEAR)


@pytest.mark.parametrize("layout", ACCEPTED.values(), ids=ACCEPTED)
def test_every_layout_has_the_maps_of_the_scan_it_was_made_of(
    layout: Layout, model: OnnxModel, tmp_path: Path
) -> None:
    """The plain layout's maps and volumes; of other sampling or fewer images, that scan's own."""
    for instances in scans_of(layout, tmp_path):
        series = recognise(instances, Eligibility(index_interval_s=layout.index_interval_s))
        assert not isinstance(series, Refusal), series
        stacked = stack(series, 1.0)
        assert not isinstance(stacked, Refusal), stacked
        part = slices_of(layout, series)
        if "no_bolus" in layout.outcome and part.start > 0:
            refusal = prepare(stacked.scan, model.grid)
            assert isinstance(refusal, Refusal)
            assert refusal.code is RefusalCode.NO_BOLUS
        else:
            require_same_maps(model, stacked.scan, written(layout, part))


@pytest.mark.parametrize("name", [n for n in SYNTAXES if n not in LOSSY])
def test_every_lossless_syntax_has_the_maps_of_the_plain_one(
    name: str, model: OnnxModel, tmp_path: Path
) -> None:
    """What loses nothing changes no voxel of a map."""
    stacked = stack(recognised(scan_in(SYNTAXES[name], tmp_path)), 1.0)
    assert not isinstance(stacked, Refusal), stacked
    require_same_maps(model, stacked.scan, head_scan(SPEC))


@pytest.mark.parametrize("name", sorted(set(LOSSY) - {"JPEG Baseline"}))
def test_a_lossy_syntax_has_nearly_the_volumes_of_the_plain_one(
    name: str, model: OnnxModel, tmp_path: Path
) -> None:
    """What is lost moves the lesion's volume by a tenth at most; not so 8 bits, Baseline's."""
    stacked = stack(recognised(scan_in(SYNTAXES[name], tmp_path)), 1.0)
    assert not isinstance(stacked, Refusal), stacked
    _, lesion = analysed(model, stacked.scan)
    _, plain = analysed(model, head_scan(SPEC))
    assert lesion.hypoperfusion_ml == pytest.approx(plain.hypoperfusion_ml, rel=0.1)


def test_a_difference_between_scans_would_be_seen(model: OnnxModel) -> None:
    """One slice's images a time step late: the comparison does not pass everything."""
    truth = head_scan(LAYOUTS["one series, time by time"].spec)
    hu = truth.hu.copy()
    hu[1:, 2] = truth.hu[:-1, 2]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        require_same_maps(model, replace(truth, hu=hu), truth)
