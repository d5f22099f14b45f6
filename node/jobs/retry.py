"""The retry policy as a value: how long to wait before the next try."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses that double from ``first_s`` to ``longest_s``, spread by a jitter.

    A fixed quarter of an hour is useless in stroke, and a thousand series that failed
    together must not come back together.

    Parameters
    ----------
    first_s, longest_s
        The first pause and the longest one [s].
    jitter
        Each pause is varied by up to this fraction of itself, both ways.
    """

    first_s: float
    longest_s: float
    jitter: float = 0.2

    def pause_s(self, failures: int, *, chance: float | None = None) -> float:
        """The pause after so many failures in a row (1 or more) [s], ``longest_s`` at most.

        Parameters
        ----------
        failures
            How many tries have failed.
        chance
            Where in the jitter it falls, 0 to 1; at random where omitted.
        """
        # 2**64 pauses are out of anyone's patience, and of a float's range further on
        grown = min(self.longest_s, self.first_s * 2.0 ** min(max(failures, 1) - 1, 64))
        spread = random.random() if chance is None else chance  # noqa: S311 - no secret
        return min(self.longest_s, grown * (1 + self.jitter * (2 * spread - 1)))
