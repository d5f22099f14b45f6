"""The summary page: a whole analysis on one picture, to be shown and discussed."""

from node.derived.summary.choice import evenly_spread
from node.derived.summary.page import PLAN, summary_page

__all__ = ["PLAN", "evenly_spread", "summary_page"]
