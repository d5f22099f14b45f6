"""When things happen: wake-ups through Celery, leases, retries, and the sweep."""

from node.jobs.app import make_app
from node.jobs.embedded import start_embedded_redis
from node.jobs.retry import RetryPolicy
from node.jobs.sweep import Sweeper
from node.jobs.worker import run_worker

__all__ = ["RetryPolicy", "Sweeper", "make_app", "run_worker", "start_embedded_redis"]
