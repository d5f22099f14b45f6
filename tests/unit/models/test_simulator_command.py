"""The command writes what it promises and explains what it refuses."""

import json
import subprocess
import sys

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from models.__main__ import app
from models.simulator import ACQUISITIONS

WITHOUT_TORCH = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
sys.argv = ["models", *sys.argv[1:]]
runpy.run_module("models", run_name="__main__")
"""


def test_the_command_writes_cases_with_their_truth(tmp_path):
    """One folder a case, and one picture of the first."""
    small = ["--size", "48", "--slices", "2", "--frames", "4"]
    told = ["simulate", "--out", str(tmp_path), "--cases", "2", "--seed", "3", *small]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 0, result.output
    for case in ("case-0001", "case-0002"):
        assert len(list((tmp_path / case / "dicom").glob("*.dcm"))) == 8
        with np.load(tmp_path / case / "truth.npz") as truth:
            assert truth["CBF"].shape == truth["core"].shape == (2, 48, 48)
        facts = json.loads((tmp_path / case / "truth.json").read_text())
        assert facts["scheme"] == "standard"
        assert facts["core_ml"] <= facts["hypoperfusion_ml"]
    assert (tmp_path / "contact-sheet.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("option", "choice"),
    [
        ("--scheme", next(iter(ACQUISITIONS))),
        ("--pathology", "stroke"),
        ("--vendor", "siemens"),
        ("--residue", "gamma"),
    ],
)
def test_a_wrong_choice_is_told_what_there_is(option, choice, tmp_path):
    """A bad call exits 2 and names the choices."""
    result = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path), option, "migraine"])
    assert result.exit_code == 2
    assert choice in result.output


def test_a_vendors_scan_with_mishaps_can_be_asked_for(tmp_path):
    """Headers, residue function and mishaps are in the files and in the truth beside them."""
    small = ["--size", "32", "--slices", "2", "--frames", "6", "--seed", "0", "--mishaps"]
    told = ["simulate", "--out", str(tmp_path), *small, "--vendor", "ge", "--residue", "box"]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 0, result.output
    image = pydicom.dcmread(tmp_path / "case-0001" / "dicom" / "IM00001.dcm")
    assert image.Manufacturer == "GE MEDICAL SYSTEMS"
    facts = json.loads((tmp_path / "case-0001" / "truth.json").read_text())
    assert facts["residue"] == "box"
    assert facts["realism"]["movement"]["farthest_mm"] > 0


def test_a_cohort_is_kept_and_made_once(tmp_path):
    """The command fills the folder; asked again it makes nothing anew."""
    told = ["cohort", "--out", str(tmp_path), "--cases", "1", "--size", "32", "--workers", "1"]
    assert CliRunner().invoke(app, told).exit_code == 0
    made = (tmp_path / "scan-00000000.npz").stat().st_mtime_ns
    assert CliRunner().invoke(app, told).exit_code == 0
    assert (tmp_path / "scan-00000000.npz").stat().st_mtime_ns == made


def _without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    return subprocess.run(told, capture_output=True, text=True, check=False)


def test_simulating_needs_no_torch(tmp_path):
    """The demo simulates where only the extra `simulate` is installed."""
    small = ["--size", "32", "--slices", "2", "--frames", "2"]
    done = _without_torch("simulate", "--out", str(tmp_path), *small)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "case-0001" / "truth.json").exists()


def test_a_command_without_its_libraries_says_what_to_install():
    """A missing extra is a bad call with a remedy, not a traceback."""
    done = _without_torch("train", "--cases", "1")
    assert done.returncode == 2
    assert "perfusion-node[train]" in done.stderr
    assert "Traceback" not in done.stderr
