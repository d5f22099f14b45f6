"""Metrics of listeners, workers, endings, canary and alerts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    Metric,
)

from node.ports import Archive, ListenerVitals, SeriesQuery, SeriesState, WorkerRecord
from node.status.probes import Probes
from node.status.queue import Queue

_DAY = timedelta(days=1)
_ALIVE = timedelta(seconds=90)
_MOST = 1000
_OF_GPU = {
    "load": "Part of the last moment in which a GPU computed",
    "memory_used_bytes": "Memory of a GPU in use",
    "memory_bytes": "Memory of a GPU",
}
_BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1800.0)
_ENDED = (SeriesState.FAILED, SeriesState.REFUSED)
# What a listener counts, and what each count is called and means.
_COUNTS = {
    "associations": "Associations that were accepted",
    "rejected_associations": "Associations that were rejected",
    "aborted_associations": "Associations that were aborted",
    "tls_failures": "TLS handshakes that failed",
    "instances": "Instances that were stored to be analysed",
    "ignored": "Instances that were stored and are never analysed",
    "duplicates": "Instances that came again unchanged",
    "conflicts": "Other bytes that came under a known UID",
    "turned_away": "Instances of series that are too large",
    "bytes": "Bytes of data sets that were stored",
}


def of_registry(archive: Archive, probes: Probes) -> Iterator[Metric]:
    """Workers, why series ended, the canary, and alerts."""
    now = probes.now()
    workers = GaugeMetricFamily(
        "perfusion_node_workers", "Workers that are alive", labels=["queue", "device"]
    )
    alive = Counter(
        (queue, worker.device)
        for worker in archive.workers()
        if now - worker.seen_at < _ALIVE
        for queue in worker.queues
    )
    for (queue, device), number in alive.items():
        workers.add_metric([queue, device], number)
    yield workers
    yield from _of_gpus([each for each in archive.workers() if now - each.seen_at < _ALIVE])
    ended = SeriesQuery(states=_ENDED, since=now - _DAY, perfusion_only=True, limit=_MOST)
    reasons = GaugeMetricFamily(
        "perfusion_node_ended_last_day",
        "Perfusion series of 24 h that failed or were refused, by reason",
        labels=["state", "reason"],
    )
    counted = Counter(
        (str(r.state), r.reason.code if r.reason else "") for r in archive.find(ended).records
    )
    for (state, reason), number in counted.items():
        reasons.add_metric([state, reason], number)
    yield reasons
    yield from _of_canary(archive, probes)
    current = [each for each in archive.alerts() if each.over_at is None]
    yield GaugeMetricFamily(
        "perfusion_node_alerts", "Alerts that are not over", value=float(len(current))
    )


def _of_gpus(workers: Sequence[WorkerRecord]) -> Iterator[Metric]:
    """Each GPU once, however many workers of its machine tell of it."""
    gpus = {(w.host, str(n)): gpu for w in workers for n, gpu in enumerate(w.gpus)}
    for key, meaning in _OF_GPU.items():
        family = GaugeMetricFamily(
            f"perfusion_node_gpu_{key}", meaning, labels=["host", "gpu", "name"]
        )
        for (host, number), gpu in gpus.items():
            if (figure := getattr(gpu, key)) is not None:
                family.add_metric([host, number, gpu.name], figure)
        yield family


def of_durations(queue: Queue) -> Metric:
    """How long stages took over 24 h, and last image to maps: ready for histogram_quantile."""
    family = GaugeHistogramMetricFamily(
        "perfusion_node_duration_seconds",
        "Durations of a stage over 24 h; of the whole way from the last image as stage total",
        labels=["stage"],
    )
    for stage, taken_s in {**queue.stages_s, "total": queue.turnround.recent_s}.items():
        buckets = [(f"{up_to_s:g}", _up_to(up_to_s, taken_s)) for up_to_s in _BUCKETS_S]
        family.add_metric([stage], [*buckets, ("+Inf", len(taken_s))], gsum_value=sum(taken_s))
    return family


def _up_to(limit_s: float, taken_s: Sequence[float]) -> int:
    return sum(each <= limit_s for each in taken_s)


def _of_canary(archive: Archive, probes: Probes) -> Iterator[Metric]:
    ended = [run for run in archive.canaries(2) if run.good is not None]
    if not ended:
        return
    age_s = (probes.now() - ended[0].begun_at).total_seconds()
    name = "perfusion_node_canary"
    yield GaugeMetricFamily(
        f"{name}_good", "Whether the last canary was good", value=float(bool(ended[0].good))
    )
    yield GaugeMetricFamily(f"{name}_age_seconds", "Since the last canary was sent", value=age_s)


def of_listeners(listeners: Sequence[ListenerVitals]) -> Iterator[Metric]:
    """Counts since each listener's start, by machine."""
    up = GaugeMetricFamily(
        "perfusion_node_open_associations", "Associations that are open now", labels=["host"]
    )
    for each in listeners:
        up.add_metric([each.host], each.active_associations)
    yield up
    for key, meaning in _COUNTS.items():
        family = CounterMetricFamily(f"perfusion_node_{key}", meaning, labels=["host"])
        for each in listeners:
            family.add_metric([each.host], each.counts.get(key, 0))
        yield family
    answers = CounterMetricFamily(
        "perfusion_node_store_answers",
        "C-STORE requests by their answer",
        labels=["host", "status"],
    )
    for each in listeners:
        for status, number in each.statuses.items():
            answers.add_metric([each.host, status], number)
    yield answers
