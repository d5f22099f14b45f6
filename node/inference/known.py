"""What a model's file says of itself, verified once for as long as it is the same file."""

from pathlib import Path

from node.inference.manifest import manifest_path, read_manifest
from node.perfusion import Estimator


class KnownModel:
    """A model that is asked about again and again, such as by every page.

    Parameters
    ----------
    weights
        The .onnx file.
    """

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._known: tuple[tuple[int, ...], Estimator] | None = None

    def estimator(self) -> Estimator:
        """Name, version and digest; the file is read only where it is another one.

        Raises
        ------
        ModelError
            If a file is missing or damaged.
        """
        stamp = self._stamp()
        if self._known is None or self._known[0] != stamp:
            manifest = read_manifest(self._weights)
            self._known = stamp, Estimator(manifest.name, manifest.version, manifest.sha256)
        return self._known[1]

    def _stamp(self) -> tuple[int, ...]:
        """What differs where either file is another one; empty where one is missing."""
        try:
            both = [path.stat() for path in (self._weights, manifest_path(self._weights))]
        except OSError:
            return ()
        return tuple(n for each in both for n in (each.st_mtime_ns, each.st_size, each.st_ino))
