"""Scans that came as several series, put together (decision 11)."""

from collections.abc import Iterable, Mapping, Sequence

from node.series.header import Instance
from node.series.slabs import slab_sets
from node.series.time_points import time_point_sets
from node.series.volumes import Volume, as_slab, volume_of


def scans_among(volumes: Iterable[Volume]) -> list[tuple[Volume, ...]]:
    """The scans of several series each, time points or slabs, of any number of studies.

    A volume that belongs to no other is in none of them. The result does not depend on the
    order of the volumes.
    """
    known = list(volumes)
    return [*_side_by_side(time_point_sets(known)), *slab_sets(known)]


def _side_by_side(scans: Sequence[tuple[Volume, ...]]) -> list[tuple[Volume, ...]]:
    """Scans of time points each; those that are slabs of one scan as that one."""
    slab = {scan[0].series_instance_uid: (scan, as_slab(scan)) for scan in scans}
    whole = []
    for members in slab_sets(each for _, each in slab.values()):
        parts = [slab.pop(member.series_instance_uid)[0] for member in members]
        whole.append(tuple(volume for part in parts for volume in part))
    return [*whole, *(scan for scan, _ in slab.values())]


def put_together(series: Mapping[str, Sequence[Instance]]) -> list[list[Instance]]:
    """The instances of every scan: of a series, or of all series that are parts of one.

    Parameters
    ----------
    series
        Instances by Series Instance UID, in ascending order of it.
    """
    volumes = (volume_of(i.header for i in instances) for instances in series.values())
    leader = {
        member.series_instance_uid: min(v.series_instance_uid for v in members)
        for members in scans_among(v for v in volumes if v is not None)
        for member in members
    }
    scans: dict[str, list[Instance]] = {}
    for uid, instances in series.items():
        scans.setdefault(leader.get(uid, uid), []).extend(instances)
    return list(scans.values())
