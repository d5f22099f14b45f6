"""How fast the status page answers with 10,000 studies in the registry.

``make bench-pages`` runs it: SQLite and PostgreSQL, each filled with studies of three series
(perfusion, topogram, dose report), results, deliveries and history; the page is served over a
real socket, and each address is asked for again and again. Prints a Markdown table and one line
of JSON; exit code 1 where a median is over the bar.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from node.ports import SeriesState
from node.registry import Registry, open_registry, schema
from node.status import Probes, create_app
from tests.benchmarks import saved
from tests.support import night
from tests.support.postgres import postgres_server
from tests.support.serving import served

BAR_MS = 200.0
STATES = (
    *((SeriesState.DELIVERED, 78), (SeriesState.CONFIRMED, 8), (SeriesState.REFUSED, 8)),
    *((SeriesState.FAILED, 3), (SeriesState.CANCELLED, 2), (SeriesState.EXPIRED, 1)),
)
SENDERS = ("CT_SOMATOM", "CT_AQUILION", "CT_REVOLUTION", "CT_INGENUITY")
OBJECTS, DESTINATIONS, EVENTS = 9, ("pacs", "viewer"), 5
ROOT = "1.2.826.0.1.3680043.8.498"
OPEN_PAGES = 50


def series_rows(studies: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Every study as three rows: perfusion, topogram, dose report; the newest last."""
    rng = random.Random(0)
    names, weights = [s for s, _ in STATES], [w for _, w in STATES]
    for study in range(studies):
        last = now - timedelta(minutes=15 * (studies - study))
        state = rng.choices(names, weights)[0] if study < studies - 3 else SeriesState.ANALYSING
        topogram = {"code": "localizer", "found": "a topogram", "remedy": "Nothing to do."}
        short = {"code": "too_short", "found": "it covers 22 s", "remedy": "Send 30 s."}
        for place, (kind, reason) in enumerate(
            (
                (SeriesState.REFUSED, topogram),
                (SeriesState.IGNORED, None),
                (state, short if state in (SeriesState.REFUSED, SeriesState.FAILED) else None),
            )
        ):
            done = last + timedelta(seconds=rng.uniform(5, 40))
            maps = place == 2 and kind in (SeriesState.DELIVERED, SeriesState.CONFIRMED)
            yield {
                "id": 3 * study + place + 1,
                "series_instance_uid": f"{ROOT}.{study}.{place}",
                "study_instance_uid": f"{ROOT}.{study}",
                "modality": ("CT", "SR", "CT")[place],
                "description": ("Topogram", "Dose report", "Head Perfusion 5.0 H20f")[place],
                "calling_ae_title": rng.choice(SENDERS),
                "state": str(kind),
                "revision": 1,
                "instances": (1, 0, 480)[place],
                "ignored": (0, 1, 0)[place],
                "conflicts": 0,
                "received_first_at": last - timedelta(seconds=40),
                "received_last_at": last,
                "looked_instances": 480,
                "content_complete": True,
                "missing": "",
                "completed_at": last + timedelta(seconds=2),
                "analysing_at": last + timedelta(seconds=2),
                "ready_at": done if maps else None,
                "delivered_at": done if maps else None,
                "attempts": 1,
                "reason": reason,
                "waiting_for": "",
                "summary": {f"measure_{n}_ml": n * 1.5 for n in range(12)} if maps else {},
                "checks": [],
                "flags": [short] if maps and study % 5 == 0 else [],
                "stages_s": dict.fromkeys(("recognise", "stack", "predict"), 0.4) if maps else {},
                "size_bytes": 250_000_000,
                "asked_images": 0,
                "asked_bytes": 0,
                "ended_at": done,
                "expiring": False,
                "priority": 0,
            }


def fill(registry: Registry, studies: int, now: datetime) -> None:
    """The studies with everything that hangs on them."""
    rows = list(series_rows(studies, now))
    maps = [row for row in rows if row["delivered_at"]]
    results, deliveries = [], []
    for row in maps:
        for number in range(OBJECTS):
            result = len(results) + 1
            results.append(
                {
                    "id": result,
                    "series_id": row["id"],
                    "revision": 1,
                    "sop_instance_uid": f"{row['series_instance_uid']}.9.{number}",
                    "sop_class_uid": night.SC,
                    "series_instance_uid": f"{row['series_instance_uid']}.9",
                    "kind": "colour",
                    "description": "CTP CBF",
                    "path": f"spool/results/{result}.dcm",
                }
            )
            deliveries += [
                {
                    "series_id": row["id"],
                    "result_id": result,
                    "destination": name,
                    "state": "STORED",
                    "status": 0,
                    "message": "",
                    "attempts": 1,
                    "since": row["ready_at"],
                    "next_try_at": row["ready_at"],
                    "updated_at": row["delivered_at"],
                }
                for name in DESTINATIONS
            ]
    events = [
        {"series_id": row["id"], "at": row["received_last_at"], "name": "analysed", "detail": ""}
        for row in rows
        for _ in range(EVENTS)
    ]
    with registry._database.writing() as connection:
        for table, values in (
            (schema.series, rows),
            (schema.results, results),
            (schema.deliveries, deliveries),
            (schema.events, events),
        ):
            connection.execute(sa.insert(table), values)


def addresses(studies: int) -> dict[str, str]:
    """What an administrator looks at, by name."""
    return {
        "the queue": "/",
        "everything, its last page": f"/?show=everything&page={3 * studies // 50}",
        "delivered, in the middle": f"/?show=delivered&page={studies // 100}",
        "failed": "/?show=failed",
        "searched: a UID's end": f"/?search={studies // 2}.2",
        "searched: nothing found": "/?show=everything&search=nobody",
        "one sender, last 7 days": "/?sender=CT_AQUILION&age=week",
        "a delivered series": f"/series/{ROOT}.{_delivered(studies)}.2",
        "destinations": "/destinations",
        "API: queue": "/api/queue",
        "API: 200 series": "/api/series?limit=200",
        "metrics": "/metrics",
    }


def _delivered(studies: int) -> int:
    rows = list(series_rows(studies, datetime.now(UTC)))
    return next(n for n in range(studies // 2, studies) if rows[3 * n + 2]["delivered_at"])


def measured(client: httpx.Client, path: str, rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of every answer, and of processor time: the server is in this process."""
    took = []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        client.get(path).raise_for_status()
        took.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)))
    return took


@contextmanager
def followers(address: str, number: int) -> Iterator[None]:
    """Open pages that follow the stream of changes, and read nothing else."""
    with httpx.Client(base_url=address, timeout=60.0, limits=httpx.Limits()) as client:
        streams = [client.stream("GET", "/live") for _ in range(number)]
        for stream in streams:
            stream.__enter__()
        try:
            yield
        finally:
            for stream in streams:
                stream.__exit__(None, None, None)


def one_database(url: str, folder: Path, studies: int, rounds: int) -> list[dict[str, Any]]:
    """A row for every address, and for the queue while many pages are open."""
    registry = open_registry(url, folder)
    began = time.monotonic()
    fill(registry, studies, datetime.now(UTC))
    print(f"filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
    rows = []
    probes: Probes = replace(night.probes(), now=lambda: datetime.now(UTC))
    with ExitStack() as stack:
        address = stack.enter_context(served(create_app(registry, probes)))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=60.0))
        for name, path in addresses(studies).items():
            rows.append(row(name, measured(client, path, rounds)))
        stack.enter_context(followers(address, OPEN_PAGES))
        name = f"the queue, {OPEN_PAGES} pages open"
        rows.append(row(name, measured(client, "/", rounds)))
    registry.close()
    return rows


def row(name: str, took: list[tuple[float, float]]) -> dict[str, Any]:
    """Median and 95th percentile, and the median of the processor time."""
    took_ms, worked_ms = zip(*took, strict=True)
    return {
        "page": name,
        "median_ms": round(statistics.median(took_ms), 1),
        "p95_ms": round(statistics.quantiles(took_ms, n=20)[-1], 1),
        "processor_ms": round(statistics.median(worked_ms), 1),
    }


def main() -> int:
    """Prints the table; 1 where a median is over the bar."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--studies", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--only", choices=("sqlite", "postgresql"))
    asked = options.parse_args()
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != "postgresql":
            url = f"sqlite:///{folder}/registry.sqlite"
            found["SQLite"] = one_database(url, folder, asked.studies, asked.rounds)
        if asked.only != "sqlite":
            with postgres_server() as new_database:
                found["PostgreSQL"] = one_database(
                    new_database(), folder, asked.studies, asked.rounds
                )
    print(f"\n{asked.studies:,} studies of 3 series; median (95th percentile; processor) [ms]\n")
    print("| page | " + " | ".join(found) + " |\n|---|" + "---|" * len(found))
    for lines in zip(*found.values(), strict=True):
        cells = " | ".join(
            f"{each['median_ms']:.0f} ({each['p95_ms']:.0f}; {each['processor_ms']:.0f})"
            for each in lines
        )
        print(f"| {lines[0]['page']} | {cells} |")
    saved.keep("pages", {"studies": asked.studies, **found})
    over = [each for lines in found.values() for each in lines if each["median_ms"] >= BAR_MS]
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
