"""An ablation takes one thing away at a time, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from models.__main__ import app
from models.ablation import (
    DOSES,
    EVERYTHING,
    FIGURES,
    OTHER_SEED,
    VARIANTS,
    Material,
    Result,
    ResultStore,
    Score,
    Settings,
    Unseen,
    Variant,
    command,
    difference,
    fixed_pair,
    judged,
    lesion,
    markdown,
    named,
    predicted,
    teach,
)
from models.ablation.judging import scanned
from models.network import SCALES, PerfusionNet, Widths
from models.simulator import ACQUISITIONS
from models.training import Batch, Batches, Case, Stock
from node.perfusion import Quantity

SHAPE = (16, 16)
SETTINGS = Settings(
    steps=2,
    curve_steps=2,
    cases=2,
    judged=1,
    boluses=2,
    batch=(2, 2),
    shape=SHAPE,
    curve_boluses=2,
    widths=Widths(filters=8, hidden=8, levels=(8, 12)),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}
ABOUT = {"code": "commit 1", "date": "2026-01-01", "machine": "a machine"}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much where cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    maps = np.stack([rng.uniform(0.2, 2.0, (2, *SHAPE)) * s for s in SCALES.values()], axis=1)
    bolus = np.exp(-((np.arange(32) - 8.0) ** 2) / 8.0)
    return Case(
        enhancement=rng.uniform(0.0, 9.0, (2, 32, *SHAPE)).astype(np.float16),
        baseline_hu=rng.uniform(20.0, 40.0, (2, *SHAPE)).astype(np.float16),
        vessels_hu=np.stack([150 * bolus, 120 * bolus]).astype(np.float32),
        maps=maps.astype(np.float16),
        shares=np.ones((2, 4, *SHAPE), np.float16),
    )


@pytest.fixture(scope="module")
def material() -> Material:
    return Material([case(1), case(2)], [Stock.drawn(seed) for seed in range(2)])


def batch() -> Batch:
    return Batches([case(1), case(2)], (2, 2), SHAPE, 5)[0]


def network() -> PerfusionNet:
    torch.manual_seed(1)
    net = PerfusionNet(widths=SETTINGS.widths).eval()
    for beside in net.beside:
        torch.nn.init.normal_(beside.mixed.weight)
    return net


def silent(step: int, loss: float) -> None:
    """Hears nothing."""


def test_every_variant_differs_from_the_reference_in_one_thing() -> None:
    """Two things taken away at once would not tell which of them mattered."""
    ours = vars(EVERYTHING)
    for variant in VARIANTS[1:]:
        apart = {key for key, value in vars(variant).items() if value != ours[key]}
        assert len(apart - {"name", "words"}) == 1, variant.name
    assert len({variant.slug for variant in VARIANTS}) == len(VARIANTS)


def test_only_what_is_taken_away_is_not_shown() -> None:
    """Vessels or baseline are replaced for their variant alone; all else is shown as it is."""
    shown = batch()
    for variant in VARIANTS:
        fed = variant.fed(shown)
        changed = {
            key for key, part in vars(fed).items() if not torch.equal(part, vars(shown)[key])
        }
        wanted = {"vessels"} if not variant.vessels else set()
        assert changed == wanted | ({"baseline"} if not variant.anatomy else set())


def test_without_the_vessels_the_filters_are_the_same_for_every_scan() -> None:
    """Divided by the vein's height, as the network does, two scans' vessels are one pair."""
    pair = fixed_pair(batch().vessels * torch.tensor([1.0, 0.5, 2.0, 1.0])[:, None, None])
    heights = pair[:, 1].amax(dim=1)
    torch.testing.assert_close(heights, torch.tensor([120.0, 60.0, 240.0, 120.0]))
    alike = pair / heights[:, None, None]
    torch.testing.assert_close(alike, alike[:1].expand_as(alike))
    assert int(alike[0, 0].argmax()) < int(alike[0, 1].argmax())


def test_without_neighbours_a_slice_stands_alone() -> None:
    """Another slice's curves change a slice's maps only where neighbours are seen."""
    net, seen = network(), case(1)
    enhancement = seen.enhancement.copy()
    enhancement[1] *= 3
    other = replace(seen, enhancement=enhancement)
    for variant in (EVERYTHING, BY_NAME["without neighbouring slices"]):
        one, two = (predicted(net, variant, each)[0] for each in (seen, other))
        assert np.allclose(one, two, rtol=1e-4, atol=1e-4) is not variant.neighbours


def test_flips_make_mirrored_scans_give_mirrored_maps() -> None:
    """The mean of a scan's maps and its mirrored scan's knows no sides."""
    net, seen = network(), case(1)
    turned = replace(
        seen, enhancement=seen.enhancement[..., ::-1], baseline_hu=seen.baseline_hu[..., ::-1]
    )
    for variant in (EVERYTHING, BY_NAME["flips at test time"]):
        one, two = (predicted(net, variant, each) for each in (seen, turned))
        assert np.allclose(one, two[..., ::-1], rtol=1e-3, atol=1e-3) is variant.mirrored


def test_lessons_on_curves_are_shared_only_where_they_are_the_same() -> None:
    """What changes input, channels, seed or loss of single curves learns them anew."""
    own = {v.name for v in VARIANTS if v.trained.begun is not EVERYTHING}
    assert own == {
        OTHER_SEED.name,
        "without the vessels",
        "without the anatomy",
        "half the width",
        "without the root term",
    }


def test_a_variant_is_taken_up_where_it_was(tmp_path: Path, material: Material) -> None:
    """Stopped after the shared curves, training goes on to the same weights; nothing twice."""
    variant = BY_NAME["without mosaics"]

    def stopping(step: int, loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    whole = teach(variant, SETTINGS, material, tmp_path / "whole", silent)
    with pytest.raises(KeyboardInterrupt):
        teach(variant, SETTINGS, material, tmp_path / "part", stopping)
    steps: list[int] = []
    part = teach(
        variant, SETTINGS, material, tmp_path / "part", lambda step, loss: steps.append(step)
    )
    assert steps == [3, 4]
    for one, other in zip(whole.parameters(), part.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    teach(EVERYTHING, SETTINGS, material, tmp_path / "part", lambda step, loss: steps.append(step))
    assert steps == [3, 4, 3, 4]
    assert {path.name for path in (tmp_path / "part").iterdir()} == {
        "everything.curves.pt",
        "everything.pt",
        "without-mosaics.pt",
    }


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.slug)
def test_every_variant_learns_and_is_judged(
    tmp_path: Path, material: Material, variant: Variant
) -> None:
    """Each can be trained from nothing, for its own steps, and gives every figure."""
    heard: list[int] = []
    net = teach(variant, SETTINGS, material, tmp_path, lambda step, loss: heard.append(step))
    assert len(heard) == SETTINGS.schedule(variant).steps == (4 if variant.curves else 2)
    assert net.finest[0].weight.shape[0] == round(8 * variant.width)
    score = judged(predicted(net, variant, case(3)), Unseen(case(3), "full dose", 0.1))
    assert set(score.errors) == set(map(str, SCALES))
    assert all(np.isfinite(error) for error in score.errors.values())


def test_without_curves_the_same_slices_are_learned_from(
    tmp_path: Path, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What differs is that curves did not come first, not which slices came."""
    asked: list[int] = []
    drawn = Batches.__getitem__
    monkeypatch.setattr(
        Batches, "__getitem__", lambda self, step: asked.append(step) or drawn(self, step)
    )
    seen = []
    for name in ("everything", "without lessons on single curves"):
        teach(BY_NAME[name], SETTINGS, material, tmp_path, silent)
        seen.append(asked.copy())
        asked.clear()
    # What is asked for after the two steps settles normalisation.
    assert [steps[:2] for steps in seen] == [[2, 3], [2, 3]]


def truth_of(tmax: np.ndarray, cbf: np.ndarray) -> np.ndarray:
    maps = np.ones((1, len(SCALES), 2, 4), np.float32)
    maps[:, list(SCALES).index(Quantity.TMAX)] = tmax
    maps[:, list(SCALES).index(Quantity.CBF)] = cbf
    return maps


def test_the_lesion_is_tmax_above_6_and_flow_below_30_percent_of_the_rest() -> None:
    """Normal is the mean flow of tissue that is not hypoperfused; beyond tissue nothing counts."""
    tissue = np.ones((1, 2, 4), bool)
    tissue[0, 1, 3] = False
    maps = truth_of(
        np.array([[9, 9, 6, 2], [7, 2, 2, 9]]), np.array([[14, 16, 50, 50], [50, 50, 50, 1]])
    )
    slow, core = lesion(maps, tissue)
    assert slow.astype(int).tolist() == [[[1, 1, 0, 0], [1, 0, 0, 0]]]
    assert core.astype(int).tolist() == [[[1, 0, 0, 0], [0, 0, 0, 0]]]


def test_true_maps_are_right_and_small_lesions_have_no_dice() -> None:
    """The truth scores 1 and errs by nothing; under 1 ml there is no overlap to speak of."""
    maps = truth_of(
        np.array([[9, 9, 6, 2], [7, 2, 2, 2]]), np.array([[4, 16, 50, 50], [50, 50, 50, 50]])
    )
    made = replace(case(1), maps=maps.astype(np.float16), shares=np.ones((1, 4, 2, 4), np.float16))
    score = judged(maps, Unseen(made, "full dose", voxel_ml=0.5))
    assert score.dice == {"hypoperfusion": 1.0}
    assert set(score.errors.values()) == {0.0}
    off = judged(maps + 1.0, Unseen(made, "full dose", voxel_ml=1.0))
    assert set(off.errors.values()) == {1.0}
    assert 0.0 < off.dice["hypoperfusion"] < 1.0


def test_an_unseen_patient_is_the_evaluations_own_with_its_truth() -> None:
    """Prepared as any scan, on the model's pixels, the same patient at either dose."""
    acquisition = replace(ACQUISITIONS["standard"].at(64), slices=4)
    full, quarter = (scanned(990_000, acquisition, dose) for dose in DOSES)
    assert full is not None
    assert quarter is not None
    assert full.voxel_ml == pytest.approx(5.0 * 1.8**2 / 1000.0)
    tissue = full.case.shares[:, 0] > 0.5
    cbf = list(SCALES).index(Quantity.CBF)
    assert np.array_equal(full.case.maps[:, cbf][tissue], quarter.case.maps[:, cbf][tissue])
    assert not np.array_equal(full.case.enhancement, quarter.case.enhancement)


def result(name: str, dice: float, error: float, patients: int = 4) -> Result:
    """One whose patients all differ a little."""
    scores = [
        Score(
            dose,
            {"hypoperfusion": dice + 0.01 * i, "core": dice - 0.01 * i},
            {str(q): error + 0.1 * i for q in SCALES},
        )
        for dose in DOSES
        for i in range(patients)
    ]
    return Result(name, tuple(scores), ABOUT)


def test_a_difference_is_that_of_the_same_patients() -> None:
    """Patients' own spread cancels; of fewer than three there is no standard error."""
    one, other = result("one", 0.8, 2.0), result("other", 0.9, 2.0)
    found = difference(one, other, ("full dose", "core"))
    assert found is not None
    assert (found.mean, found.error) == pytest.approx((-0.1, 0.0))
    assert found.clear
    few = difference(result("one", 0.8, 2.0, 2), result("other", 0.9, 2.0, 2), FIGURES[0])
    assert few is not None
    assert few.error is None
    assert not few.clear


def test_the_page_says_what_is_clear_and_no_more() -> None:
    """Beyond another seed's difference a figure is named, on its side; within, it is not."""
    results = {
        EVERYTHING.name: result(EVERYTHING.name, 0.9, 2.0),
        OTHER_SEED.name: result(OTHER_SEED.name, 0.85, 2.3),
        "without mosaics": result("without mosaics", 0.7, 2.1),
        "half the width": result("half the width", 0.87, 1.5),
    }
    lines = markdown(results, SETTINGS, "python -m models ablate").splitlines()
    about = {name: next(x for x in lines if x.startswith(f"- **{name}**")) for name in results}
    assert (
        "Clearly worse: hypoperfusion at full dose, core at full dose," in about["without mosaics"]
    )
    assert "better" not in about["without mosaics"]
    assert "CBF at" not in about["without mosaics"]
    assert "Clearly better: CBF at full dose" in about["half the width"]
    assert "worse" not in about["half the width"]
    row = next(x for x in lines if x.startswith("| without mosaics"))
    assert "0.715 (-0.200 ± 0.000)" in row
    assert any(x == "| code | commit 1 |" for x in lines)


def test_results_are_kept_for_the_same_settings_alone(tmp_path: Path) -> None:
    """Other settings find nothing; a damaged result is as good as none."""
    store = ResultStore(tmp_path, SETTINGS)
    found = result(EVERYTHING.name, 0.9, 2.0)
    store.keep(EVERYTHING, found)
    assert store.finished(VARIANTS) == {EVERYTHING.name: found}
    assert not ResultStore(tmp_path, replace(SETTINGS, steps=3)).finished(VARIANTS)
    (store.inside / "everything.json").write_text("{")
    assert store.read(EVERYTHING) is None


def test_the_command_tries_what_is_asked_and_nothing_twice(
    tmp_path: Path, material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference comes by itself; the second call reads what the first has found."""
    monkeypatch.setattr(command, "USUAL", SETTINGS)
    monkeypatch.setattr(command, "stocks", lambda count, seed, workers: material.stock)
    monkeypatch.setattr(
        command, "cohort", lambda folder, seeds, workers: [*material.patients, None]
    )
    monkeypatch.setattr(
        command,
        "unseen",
        lambda patients, workers: [None, *(Unseen(case(9), dose, 0.1) for dose in DOSES)],
    )
    page = tmp_path / "docs" / "ablation.md"
    options = ["ablate", "--only", "half the width", "--only", "flips at test time"]
    options += ["--steps", "2", "--curve-steps", "2", "--cases", "2", "--judged", "1"]
    options += ["--threads", "1", "--cache", str(tmp_path / "kept"), "--out", str(page)]
    first = CliRunner().invoke(app, options)
    assert first.exit_code == 0, first.output
    written = page.read_text()
    assert "| half the width |" in written
    assert "| flips at test time |" in written
    assert "without mosaics" not in written
    assert "--steps 2 --curve-steps 2 --cases 2 --judged 1 --seed 3" in written
    monkeypatch.setattr(command, "teach", None)
    again = CliRunner().invoke(app, options)
    assert again.exit_code == 0, again.output
    assert page.read_text() == written


def test_a_variant_that_does_not_exist_is_named_with_those_that_do() -> None:
    """A typing error costs nothing."""
    outcome = CliRunner().invoke(app, ["ablate", "--only", "without a clue"])
    assert outcome.exit_code == 2
    with pytest.raises(ValueError, match=r"no variant 'without a clue'; .*half the width"):
        named(["without a clue"])
    assert named([]) == VARIANTS
