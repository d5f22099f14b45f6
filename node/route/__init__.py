"""The whole story in two functions: a series becomes maps, and results reach a destination."""

from node.route.analysis import Keep, analyse
from node.route.delivery import deliver
from node.route.examination import AnalyseOptions, Examined, examine
from node.route.stages import STAGES, Progress

__all__ = [
    "STAGES",
    "AnalyseOptions",
    "Examined",
    "Keep",
    "Progress",
    "analyse",
    "deliver",
    "examine",
]
