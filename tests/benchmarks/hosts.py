"""Series an hour with one, two and four hosts, where a GPU's time is simulated by sleeping.

``make bench-hosts`` runs it: each host is a network, processes and a name of its own on this
machine, with a worker that analyses and one that delivers; PostgreSQL, Redis, HAProxy and a PACS
are real. What is measured is what the hosts cost one another, not what a GPU does. Prints a
Markdown table.
"""

import argparse
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from node.ports import SeriesState
from tests.support.bench_node import receive_series
from tests.support.ctp import CtpSpec
from tests.support.running_node import wait_for
from tests.support.site import Site, on_a_site

HOSTS = (1, 2, 4)
# A machine that does much else besides may take its time.
PATIENCE_S = 1800.0


def of_the_server(site: Site) -> tuple[int, int]:
    """Transactions that PostgreSQL has committed so far, and bytes of its log."""
    with psycopg.connect(str(site.settings.database_url), autocommit=True) as connection:
        time.sleep(1.5)  # sessions tell of themselves once a second
        row = connection.execute(
            "SELECT sum(xact_commit), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') "
            "FROM pg_stat_database"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def measured(site: Site, series: int, gpu_s: float) -> tuple[float, float, float]:
    """Seconds from when every worker predicts to the last delivery, and what a series cost."""
    for host in site.hosts:
        site.hold(host)
        site.marker(host).with_suffix(".takes").write_text(str(gpu_s))
    uids = [receive_series(site.node, CtpSpec(seed=n)) for n in range(series)]
    for host in site.hosts:
        site.start_worker(host, "analyse")
        site.start_worker(host, "deliver")
    for host in site.hosts:
        site.wait_until_predicting(host)
    before = of_the_server(site)
    began = time.monotonic()
    for host in site.hosts:
        site.go_on(host)

    def all_are_delivered() -> bool:
        return site.node.registry.counts().get(SeriesState.DELIVERED, 0) == len(uids)

    wait_for(all_are_delivered, "every series is delivered", PATIENCE_S)
    took_s = time.monotonic() - began
    after = of_the_server(site)
    spent = [(b - a) / series for a, b in zip(before, after, strict=True)]
    return took_s, spent[0], spent[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=24)
    parser.add_argument("--gpu-s", type=float, default=8.0)
    options = parser.parse_args()
    results: dict[int, tuple[float, float, float]] = {}
    for number in HOSTS:
        with tempfile.TemporaryDirectory(prefix="bench-hosts-") as name:

            def work(site: Site, number: int = number) -> None:
                results[number] = measured(site, options.series, options.gpu_s)

            on_a_site(Path(name), [f"host{n}" for n in range(number)], work)
    load = os.getloadavg()[1]
    print(
        f"{options.series} series, {options.gpu_s:g} s of GPU each, {os.cpu_count()} cores "
        f"(load {load:.0f}), {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}\n"
    )
    print("| hosts | s | series/hour | of the ideal | commits a series | KiB of WAL a series |")
    print("|---|---|---|---|---|---|")
    for number, (took_s, commits, wal) in results.items():
        ideal_s = options.series / number * options.gpu_s
        print(
            f"| {number} | {took_s:.0f} | {options.series / took_s * 3600:.0f} "
            f"| {ideal_s / took_s:.0%} | {commits:.0f} | {wal / 1024:.0f} |"
        )


if __name__ == "__main__":
    main()
