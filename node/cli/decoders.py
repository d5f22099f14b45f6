"""The decoders of compressed pixels: are they there, and under which licence."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata

from node.cli.findings import Finding

_DECODERS = {
    "pylibjpeg-openjpeg": ("JPEG 2000 and HTJ2K", "MIT and BSD-2-Clause"),
    "pyjpegls": ("JPEG-LS", "MIT and BSD-3-Clause"),
    "python-gdcm": ("JPEG", "BSD-3-Clause"),
}
_COPYLEFT = "pylibjpeg-libjpeg"


def decoders() -> Iterator[Finding]:
    """A finding for each decoder that the node ships, and for one whose licence spreads."""
    for package, (reads, licence) in _DECODERS.items():
        what = f"decoder {package}"
        if (there := _version(package)) is None:
            remedy = f"Install it: pip install {package}"
            yield Finding(what, False, f"missing: {reads} cannot be read", remedy)
        else:
            yield Finding(what, good=True, found=f"{there}, reads {reads}; licence {licence}")
    if _version(_COPYLEFT) is not None:
        found = "installed though the node does not use it; its licence is the GPL"
        remedy = f"Uninstall it before the node is given on: pip uninstall {_COPYLEFT}"
        yield Finding(f"decoder {_COPYLEFT}", False, found, remedy)


def _version(package: str) -> str | None:
    try:
        return str(metadata(package)["Version"])
    except PackageNotFoundError:
        return None
