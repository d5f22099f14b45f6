"""When things happen: wake-ups through Celery, leases, retries, and the sweep."""

from node.jobs.app import make_app
from node.jobs.canary import Verdict, end_canary, judge_canary, send_canary
from node.jobs.embedded import start_embedded_redis
from node.jobs.retry import RetryPolicy
from node.jobs.sweep import Sweeper
from node.jobs.worker import run_worker

__all__ = [
    "RetryPolicy",
    "Sweeper",
    "Verdict",
    "end_canary",
    "judge_canary",
    "make_app",
    "run_worker",
    "send_canary",
    "start_embedded_redis",
]
