"""The command writes what it promises and explains what it refuses."""

import json
import subprocess
import sys

import numpy as np
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


@pytest.mark.parametrize("wrong", [["--scheme", "helical"], ["--pathology", "migraine"]])
def test_a_wrong_choice_is_told_what_there_is(wrong, tmp_path):
    """A bad call exits 2 and names the choices."""
    result = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path), *wrong])
    assert result.exit_code == 2
    assert (next(iter(ACQUISITIONS)) if "--scheme" in wrong else "stroke") in result.output


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
