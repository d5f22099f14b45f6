"""A cohort is simulated once, and never trusted when it is damaged or outdated."""

import dataclasses
import json
from functools import partial

import numpy as np
import pytest

from models.procedural import procedural_scan
from models.simulator import Acquisition, Plan, SimulatedScan, any_patient, cohort
from models.simulator.cohort import version_of
from models.simulator.keeping import keep, kept

TINY = Acquisition.regular("tiny", slices=2, frames=6, interval_s=3.0).at(32)
CALLS: list[int] = []


def tiny(seed: int, scale: float = 1.0) -> SimulatedScan:
    """A cheap recipe that counts how often it is used."""
    CALLS.append(seed)
    return procedural_scan(seed, TINY)


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def _told(folder, seeds=(1, 2), recipe=tiny) -> tuple[list[SimulatedScan], list[str]]:
    heard: list[str] = []
    return list(cohort(folder, seeds, recipe=recipe, heard=heard.append)), heard


def test_a_scan_on_disk_is_the_scan_that_was_made(tmp_path):
    """Pixels, truth, plan and faults read back exactly."""
    made = Plan.drawn(6, 32).simulated()
    keep(made, tmp_path / "scan.npz")
    again = kept(tmp_path / "scan.npz")
    assert np.allclose(again.scan.hu, made.scan.hu, atol=0.5)
    assert np.array_equal(again.scan.hu[~made.scan.missing], made.scan.hu[~made.scan.missing])
    assert np.array_equal(again.scan.time_s, made.scan.time_s)
    assert (again.acquisition, again.realism, again.residue, again.seed) == (
        made.acquisition,
        made.realism,
        made.residue,
        made.seed,
    )
    for quantity, values in made.truth.maps.items():
        assert np.array_equal(again.truth.maps[quantity], values)
    for name, mask in vars(made.truth.masks).items():
        assert np.array_equal(getattr(again.truth.masks, name), mask)
    assert again.truth.core_ml == made.truth.core_ml
    assert again.truth.pathology == made.truth.pathology


def test_a_cohort_is_simulated_once(tmp_path):
    """The second time every scan comes from disk, in the order asked for, and nothing is said."""
    first, heard = _told(tmp_path)
    assert (CALLS, heard) == ([1, 2], [])
    again, heard = _told(tmp_path, seeds=(2, 1))
    assert (CALLS, heard) == ([1, 2], [])
    assert np.array_equal(again[0].scan.hu, first[1].scan.hu)


def test_a_damaged_scan_is_named_and_rebuilt(tmp_path):
    """One changed byte is seen; the others stay."""
    first, _ = _told(tmp_path)
    path = tmp_path / "scan-00000002.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    again, heard = _told(tmp_path)
    assert heard == ["scan-00000002.npz is damaged: it is simulated again"]
    assert CALLS == [1, 2, 2]
    assert np.array_equal(again[1].scan.hu, first[1].scan.hu)


def test_an_outdated_scan_is_named_and_rebuilt(tmp_path):
    """A scan of other options or sources is no scan of this cohort."""
    _told(tmp_path)
    _, heard = _told(tmp_path, recipe=partial(tiny, scale=2.0))
    assert len(heard) == 2
    assert all("outdated" in sentence for sentence in heard)
    assert CALLS == [1, 2, 1, 2]


def test_a_scan_that_is_gone_or_unknown_is_named_and_rebuilt(tmp_path):
    """The manifest and the folder must agree."""
    _told(tmp_path)
    (tmp_path / "scan-00000001.npz").unlink()
    entries = json.loads((tmp_path / "manifest.json").read_text())
    del entries["2"]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    _, heard = _told(tmp_path)
    assert [sentence.partition(":")[0] for sentence in heard] == [
        "scan-00000001.npz is gone",
        "scan-00000002.npz is not in the manifest",
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"1": 5}'])
def test_a_damaged_manifest_is_named_and_everything_rebuilt(content, tmp_path):
    """Without a manifest nothing on disk can be trusted."""
    _told(tmp_path, seeds=(1,))
    (tmp_path / "manifest.json").write_text(content)
    _, heard = _told(tmp_path, seeds=(1,))
    assert heard[0].startswith("manifest.json is")
    assert CALLS == [1, 1]


def test_the_version_tells_recipes_and_options_apart():
    """Everything that changes a scan changes the version; the order of options does not."""
    versions = [
        version_of(any_patient),
        version_of(partial(any_patient, rows=128)),
        version_of(partial(any_patient, rows=64)),
        version_of(tiny),
    ]
    swept = dataclasses.replace(TINY, sweep_s=1.0)
    versions += [version_of(partial(procedural_scan, acquisition=a)) for a in (TINY, swept)]
    assert len(set(versions)) == 6
    assert version_of(partial(partial(any_patient), rows=64)) == versions[2]


def test_a_crew_of_processes_makes_the_same_scans(tmp_path):
    """Side by side or one by one: the same files."""
    recipe = partial(procedural_scan, acquisition=TINY)
    alone = list(cohort(tmp_path / "alone", (1, 5), recipe=recipe))
    crew = list(cohort(tmp_path / "crew", (1, 5), recipe=recipe, workers=2))
    for one, other in zip(alone, crew, strict=True):
        assert np.array_equal(one.scan.hu, other.scan.hu)


def test_plans_draw_the_whole_range():
    """Every scheme and fault comes up, and most patients have neither fault nor rarity."""
    plans = [Plan.drawn(seed, 32) for seed in range(400)]
    assert len({plan.acquisition.name for plan in plans}) == 8
    assert {plan.residue for plan in plans} >= {None, "box", "gamma"}
    faults = [plan.realism.faults for plan in plans]
    assert any(fault.baseline_s is not None for fault in faults)
    assert any(fault.bolus < 1.0 for fault in faults)
    sound = [f for f in faults if f == type(f)()]
    assert 0.6 < len(sound) / len(plans) < 0.85
