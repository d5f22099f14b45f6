"""Made-up heads for evaluation alone: no anatomy, curve or noise in common with the simulator.

Nothing is ever trained on these scans. Only nouns and physical constants come from
:mod:`models.simulator`, so that a result on them is no echo of the training distribution.
"""

from models.procedural.scan import procedural_scan
from models.procedural.strokes import KINDS

__all__ = ["KINDS", "procedural_scan"]
