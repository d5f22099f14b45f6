"""What the demo finds in the archive: read back from the objects, beside the truth."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread

from node.cli.output import print_table, say
from node.derived import segment_volumes_ml

IDENTITY = ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "AccessionNumber")
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
VOLUMES = {"Core": "core_ml", "Hypoperfusion": "hypoperfusion_ml"}


@dataclass(frozen=True)
class Findings:
    """What came back, and whether it is what was promised."""

    study_instance_uid: str
    series: tuple[tuple[str, str, int], ...]
    volumes_ml: dict[str, float]
    truth_ml: dict[str, float]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def show(self, elapsed_s: float) -> None:
        """Print study, series and volumes beside the simulated truth."""
        print_table(
            f"Study {self.study_instance_uid}, read back from the archive",
            ("Series", "Modality", "Objects"),
            ((name, modality, str(count)) for name, modality, count in self.series),
        )
        print_table(
            "Volumes read back from the Segmentation, beside the simulated truth",
            ("Lesion", "Node [ml]", "Truth [ml]"),
            (
                (name, f"{self.volumes_ml.get(name, 0.0):.1f}", f"{true:.1f}")
                for name, true in self.truth_ml.items()
            ),
        )
        for problem in self.problems:
            say(f"Wrong: {problem}", style="red")
        if self.good:
            say(f"The demo walked the whole route in {elapsed_s:.0f} s.", style="green")


def check(
    files: Sequence[Path], *, source: Path, truth: dict[str, Any], record: dict[str, Any]
) -> Findings:
    """Read the archive's objects back and hold them against source and truth."""
    results = [dcmread(path) for path in files]
    scan = dcmread(source, stop_before_pixels=True)
    volumes = {
        name: ml
        for dataset in results
        if dataset.SOPClassUID == SEGMENTATION
        for name, ml in segment_volumes_ml(dataset).items()
    }
    truth_ml = {name: float(truth[key]) for name, key in VOLUMES.items()}
    problems = [*_identity_problems(results, scan), *_missing(results, record)]
    problems += [
        f"the {name} is {volumes.get(name, 0.0):.1f} ml, the truth is {true:.1f} ml"
        for name, true in truth_ml.items()
        if abs(volumes.get(name, 0.0) - true) > max(0.35 * true, 10.0)
    ]
    return Findings(scan.StudyInstanceUID, _by_series(results), volumes, truth_ml, tuple(problems))


def _identity_problems(results: Sequence[Dataset], scan: Dataset) -> list[str]:
    return sorted(
        {
            f"{keyword} of {result.SeriesDescription} is not the source's"
            for result in results
            for keyword in IDENTITY
            if result.get(keyword) != scan.get(keyword)
        }
    )


def _missing(results: Sequence[Dataset], record: dict[str, Any]) -> list[str]:
    if record["state"] != "DELIVERED":
        reason = record.get("reason") or {}
        return [f"the series ended {record['state']}: {reason.get('found', 'no reason given')}"]
    maps = {r.SeriesDescription for r in results}
    wanted = ("CBF", "CBV", "MTT", "TTP", "Tmax")
    return [f"no {name} map came back" for name in wanted if not any(name in m for m in maps)]


def _by_series(results: Sequence[Dataset]) -> tuple[tuple[str, str, int], ...]:
    counts: dict[tuple[int, str, str], int] = defaultdict(int)
    for r in results:
        counts[(int(r.SeriesNumber), str(r.SeriesDescription), str(r.Modality))] += 1
    return tuple((name, modality, n) for (_, name, modality), n in sorted(counts.items()))
