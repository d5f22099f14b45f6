"""One log line a stage: a past-tense event, facts as keys with units, never patient data."""

from node.log.book import LogBook, kept_lines
from node.log.lines import about, configure, get

__all__ = ["LogBook", "about", "configure", "get", "kept_lines"]
