"""Prometheus metrics, computed from the registry whenever they are asked for."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from node.errors import RegistryUnavailableError
from node.ports import Activity, Archive
from node.status import figures, health
from node.status.probes import Probes
from node.status.queue import Queue, look

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(archive: Archive, probes: Probes) -> bytes:
    """The metrics in Prometheus' text format.

    A database that does not answer is a metric too (``perfusion_node_database_up 0``): the
    others are still there, so that an alert on the disk does not hang on the database.
    """
    registry = CollectorRegistry()
    registry.register(_Node(archive, probes))
    return generate_latest(registry)


class _Node(Collector):
    def __init__(self, archive: Archive, probes: Probes) -> None:
        self._archive = archive
        self._probes = probes

    def describe(self) -> list[Metric]:
        # Nothing is asked of the node when the collector is registered, only when it is read.
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            queue = look(self._archive, self._probes.now())
        except RegistryUnavailableError:
            yield _gauge("database_up", "Whether the registry's database answers", 0)
        else:
            answers = self._probes.database() is None
            yield _gauge("database_up", "Whether the registry's database answers", answers)
            yield from _of_queue(queue)
            yield _paused(self._archive)
            yield from figures.of_registry(self._archive, self._probes)
        yield from _of_probes(self._probes)
        yield from figures.of_listeners(self._probes.listeners())


def _of_queue(queue: Queue) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("perfusion_node_series", "Series by state", labels=["state"])
    for state, number in queue.counts.items():
        by_state.add_metric([str(state)], number)
    yield by_state
    yield _gauge(
        "oldest_waiting_seconds",
        "Since the last image of the series that has waited longest for its maps; 0 without one",
        queue.oldest_waiting_s or 0.0,
    )
    yield _gauge("delivered_last_day", "Series delivered in 24 h", queue.delivered_day)
    yield _gauge("refused_last_day", "Perfusion series refused in 24 h", queue.refused_day)
    unconfirmed = GaugeMetricFamily(
        "perfusion_node_unconfirmed_objects",
        "Stored objects whose storage commitment is owed, asked for, failed or not to be had",
        labels=["destination", "state"],
    )
    for tally in queue.unconfirmed:
        unconfirmed.add_metric([tally.destination, str(tally.state)], tally.objects)
    yield unconfirmed
    if queue.turnround.median_s is not None and queue.turnround.last_s is not None:
        clock = GaugeMetricFamily(
            "perfusion_node_last_image_to_maps_seconds",
            "From the last image to the maps' delivery, over 24 h",
            labels=["figure"],
        )
        clock.add_metric(["median"], queue.turnround.median_s)
        clock.add_metric(["last"], queue.turnround.last_s)
        yield clock
    stages = GaugeMetricFamily(
        "perfusion_node_stage_seconds", "Median duration of a stage over 24 h", labels=["stage"]
    )
    for stage, seconds in queue.stage_medians_s.items():
        stages.add_metric([stage], seconds)
    yield stages
    yield figures.of_durations(queue)


def _paused(archive: Archive) -> Metric:
    paused = {pause.activity for pause in archive.pauses()}
    family = GaugeMetricFamily(
        "perfusion_node_paused", "Whether a person has paused an activity", labels=["activity"]
    )
    for activity in Activity:
        family.add_metric([str(activity)], activity in paused)
    return family


def _of_probes(probes: Probes) -> Iterator[Metric]:
    disk = probes.disk()
    yield _gauge("disk_free_bytes", "Free room below data_dir", disk.free_bytes)
    yield _gauge("disk_total_bytes", "Size of the disk below data_dir", disk.total_bytes)
    yield _gauge("disk_low", "Whether there is little room: spool.low_free_gib", disk.low)
    yield _gauge("disk_full", "Whether nothing is received: spool.min_free_gib", disk.full)
    yield _gauge("redis_up", "Whether Redis answers", probes.redis() is None)
    estimator, _ = health.model(probes)
    yield _gauge("model_up", "Whether a usable model is there", estimator is not None)
    facts = {"version": probes.software_version}
    if estimator is not None:
        facts |= {"model": estimator.name, "model_version": estimator.version}
    yield InfoMetricFamily("perfusion_node", "What runs here", value=facts)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"perfusion_node_{name}", documentation, value=float(value))
