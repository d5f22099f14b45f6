"""UIDs that depend on what went in, so that the same analysis names its results the same."""

import hashlib
import uuid
from dataclasses import dataclass

from pydicom.uid import UID

from node.derived.bundle import EncodeOptions
from node.perfusion import Lesion, PerfusionMaps
from node.refusals import Refusal
from node.series import CtpSeries, Geometry

# Root of every UID that the node derives from a name; a UUID drawn once, for this purpose.
NAMESPACE = uuid.UUID("6f0b2d52-9a55-4c0e-8b1e-2f6f3c7d9e41")
MAX_UID = 64  # characters, PS3.5 9.1


@dataclass(frozen=True)
class Uids:
    """A maker of UIDs for one analysis.

    Parameters
    ----------
    root
        The site's UID root; empty for UUID-derived UIDs below 2.25 (PS3.5 B.2).
    seed
        Everything that the results depend on.
    """

    root: str
    seed: str

    def make(self, *parts: object) -> UID:
        """The UID of the part of the result that ``parts`` name."""
        return derive(self.root, self.seed, *parts)


def derive(root: str, *parts: object) -> UID:
    """The UID that ``parts`` name: the same parts, the same UID."""
    name = "\n".join(map(str, parts))
    if not root:
        return UID(f"2.25.{uuid.uuid5(NAMESPACE, name).int}")
    number = int(hashlib.sha256(NAMESPACE.bytes + name.encode()).hexdigest(), 16)
    return UID(f"{root}.{number}"[:MAX_UID])


def of_results(
    series: CtpSeries, maps: PerfusionMaps, lesion: Lesion, options: EncodeOptions
) -> Uids:
    """UIDs of the maps of a series: other images, times, model or limits have other UIDs."""
    instances = hashlib.sha256("\n".join(series.sop_instance_uids).encode()).hexdigest()
    thresholds = lesion.thresholds
    parts = (
        series.series_instance_uid,
        instances,
        f"{series.time_s.max():.3f}",  # a count of time points has the length that a setting gives
        maps.estimator.name,
        maps.estimator.version,
        maps.estimator.sha256,
        (maps.brain.shape, maps.spacing_mm),
        (thresholds.tmax_s, thresholds.rcbf, thresholds.min_lesion_ml),
        options.colour_table,
        options.series_number,
        options.software_version,
        options.revision,
    )
    return Uids(options.uid_root, "\n".join(map(str, parts)))


def of_refusal(series_instance_uid: str, refusal: Refusal, options: EncodeOptions) -> Uids:
    """UIDs of the page that says why a series was refused."""
    parts = (series_instance_uid, refusal, options.software_version, options.revision)
    return Uids(options.uid_root, "\n".join(map(str, parts)))


def frame_of_reference(geometry: Geometry, series: CtpSeries, root: str) -> UID:
    """The source's Frame of Reference; where it has none, one that all its results share."""
    known = geometry.frame_of_reference_uid
    return UID(known) if known else derive(root, "frame of reference", series.series_instance_uid)
