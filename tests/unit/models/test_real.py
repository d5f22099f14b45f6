"""The command that trains on real scans."""

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
import torch
from typer.testing import CliRunner, Result

from models.__main__ import app
from models.training import command, trained_network
from models.training.loop import SIMULATED
from models.training.real import UNITOBRAIN
from tests.support.documents import ROOT, code_of
from tests.support.unitobrain import TinySubject, images_of, write_dataset

TINY = TinySubject(name="MOL-001", slices=2, constant=())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dataset")
    return write_dataset(root, TINY, replace(TINY, name="MOL-002"))


@pytest.fixture
def root(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dataset in a folder of its own, and batches as small as it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(command.PRESETS, "cpu", replace(command.PRESETS["cpu"], batch=(1, 2)))
    monkeypatch.setattr(command, "SLICE_SHAPE", (32, 32))
    return Path(shutil.copytree(written, tmp_path / "dataset"))


def _train(*options: object) -> Result:
    words = ["train", "--steps", "2", "--threads", "1", *map(str, options)]
    return CliRunner().invoke(app, words)


def test_two_steps_on_a_tiny_dataset_and_two_more_to_fine_tune(root: Path) -> None:
    """The command reads the dataset once, trains on it, and keeps what was learned from."""
    options = ("--data", "unitobrain", "--root", root)
    first = _train(*options, "--out", "run")
    assert first.exit_code == 0, first.output
    assert "export it with" in first.output
    assert Path("run/training.png").exists()
    kept = {path: path.stat().st_mtime_ns for path in Path(".cache/unitobrain").iterdir()}
    assert {path.name for path in kept} == {"unitobrain-MOL-001.npz", "unitobrain-MOL-002.npz"}
    schedule = trained_network(Path("run/checkpoint.pt")).schedule
    assert (schedule.cases, schedule.curve_steps, schedule.data) == (2, 0, UNITOBRAIN)

    tuned = _train(*options, "--out", "tuned", "--start-from", "run/checkpoint.pt", "--seed", 3)
    assert tuned.exit_code == 0, tuned.output
    after = trained_network(Path("tuned/checkpoint.pt")).schedule
    assert after.data == f"{UNITOBRAIN}; begun from weights that learned from {UNITOBRAIN}"
    assert after.learning_rate < schedule.learning_rate
    assert kept == {path: path.stat().st_mtime_ns for path in Path(".cache/unitobrain").iterdir()}

    # A checkpoint from before there was a choice says nothing of its data.
    state = torch.load("run/checkpoint.pt", weights_only=True)
    del state["schedule"]["data"]
    torch.save(state, "run/checkpoint.pt")
    assert trained_network(Path("run/checkpoint.pt")).schedule.data == SIMULATED


def test_subjects_that_serving_refuses_are_named(root: Path) -> None:
    """Each is left out with its reason; without any there is nothing to train on."""
    for name in ("MOL-001", "MOL-002"):
        paths = images_of(root, replace(TINY, name=name))
        for path in paths[TINY.slices :]:
            image = pydicom.dcmread(path)
            same = paths[(int(path.stem[-5:]) - 1) % TINY.slices]
            image.PixelData = pydicom.dcmread(same).PixelData
            image.save_as(path)
    told = _train("--data", "unitobrain", "--root", root, "--out", "run")
    assert told.exit_code == 1
    for words in ("MOL-001 is left out: no_bolus", "MOL-002 is left out", "no subject takes part"):
        assert words in told.output


def test_what_is_wrong_ends_the_command_in_words(root: Path) -> None:
    """A damaged dataset or a useless checkpoint is told with its path and a remedy, no more."""
    (root / "MOL-002").rename(root / "MOL-002_moved")
    for path in images_of(root, TINY, "CBV"):
        path.unlink()
    damaged = _train("--data", "unitobrain", "--root", root)
    assert damaged.exit_code == 1
    assert "NLR_CBV: the folder holds no .dcm file\nUnpack" in damaged.output
    useless = _train("--data", "unitobrain", "--root", root, "--start-from", "nowhere.pt")
    assert useless.exit_code == 1
    assert "nowhere.pt is no start for this network" in useless.output
    assert "Traceback" not in damaged.output + useless.output


@pytest.mark.parametrize("options", [["--data", "unitobrain"], ["--root", "dataset"]])
def test_data_and_root_go_together(options: list[str], root: Path) -> None:
    """One without the other is a bad call."""
    told = _train(*options)
    assert told.exit_code == 2
    assert "go together" in told.output


COMMANDS = [
    line for line in code_of(ROOT / "docs" / "training.md") if line.startswith("python -m models ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_on_the_page_parses(line: str) -> None:
    """Command and options are the workshop's own."""
    name, *options = shlex.split(line)[3:]
    asked = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
    assert asked.exit_code == 0
    assert all(option in asked.output for option in options if option.startswith("--"))
