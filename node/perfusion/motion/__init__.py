"""Movement of the head: measured, taken out, and told."""

from node.perfusion.motion.correction import Corrected, correct_motion
from node.perfusion.motion.curve import Motion

__all__ = ["Corrected", "Motion", "correct_motion"]
