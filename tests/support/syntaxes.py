"""The same image in every transfer syntax, each made by an encoder that is not the node's."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tests.support.peers import require

Write = Callable[[Dataset, Path], None]


@dataclass(frozen=True)
class Syntax:
    """One way to encode an image.

    Parameters
    ----------
    uid
        The transfer syntax.
    write
        Writes a data set to a Part 10 file in it.
    off_by_hu
        How far attenuation may be off, at the edge of the skull; 0 where nothing is lost.
    signed
        Whether the encoder takes signed pixels as well.
    """

    uid: UID
    write: Write
    off_by_hu: float = 0.0
    signed: bool = True

    @property
    def outcome(self) -> str:
        """What becomes of a scan in it, as docs/input.md says."""
        return "analysed, flagged lossy" if self.off_by_hu else "the same scan"


def _plain(syntax: UID) -> Write:
    def write(dataset: Dataset, path: Path) -> None:
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path, enforce_file_format=True)

    return write


def _by_pydicom(syntax: UID, **options: object) -> Write:
    def write(dataset: Dataset, path: Path) -> None:
        dataset.compress(syntax, generate_instance_uid=False, **options)
        dataset.save_as(path, enforce_file_format=True)

    return write


def _by_dcmtk(program: str, *options: str) -> Write:
    def write(dataset: Dataset, path: Path) -> None:
        source = path.with_suffix(".source")
        dataset.save_as(source, enforce_file_format=True)
        command = [require(program, package="dcmtk"), *options, str(source), str(path)]
        subprocess.run(command, check=True)
        source.unlink()

    return write


def _by_openjph(syntax: UID, *options: str) -> Write:
    def write(dataset: Dataset, path: Path) -> None:
        planes, stream = path.with_suffix(".yuv"), path.with_suffix(".j2c")
        planes.write_bytes(dataset.PixelData)
        size = f"{{{dataset.Columns},{dataset.Rows}}}"
        layout = ["-dims", size, "-num_comps", "1", "-downsamp", "{1,1}", "-signed", "false"]
        depth = ["-bit_depth", str(dataset.BitsStored)]
        program = require("ojph_compress", package="openjph-tools")
        files = ["-i", str(planes), "-o", str(stream)]
        # OpenJPH 0.9 spoils images that shrink to a single value, so three levels for small ones.
        command = [program, *files, *layout, *depth, "-num_decomps", "3", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        dataset.PixelData = encapsulate([stream.read_bytes()])
        dataset["PixelData"].VR = "OB"
        _plain(syntax)(dataset, path)
        planes.unlink()
        stream.unlink()

    return write


_REVERSIBLE = ("-reversible", "true", "-prog_order")

SYNTAXES: dict[str, Syntax] = {
    "Explicit VR LE": Syntax(ExplicitVRLittleEndian, _plain(ExplicitVRLittleEndian)),
    "Implicit VR LE": Syntax(ImplicitVRLittleEndian, _plain(ImplicitVRLittleEndian)),
    "Explicit VR BE": Syntax(ExplicitVRBigEndian, _by_dcmtk("dcmconv", "+tb")),
    "Deflated": Syntax(DeflatedExplicitVRLittleEndian, _plain(DeflatedExplicitVRLittleEndian)),
    "JPEG Lossless SV1": Syntax(JPEGLosslessSV1, _by_dcmtk("dcmcjpeg", "+e1")),
    "JPEG Lossless P14": Syntax(JPEGLossless, _by_dcmtk("dcmcjpeg", "+el")),
    "JPEG-LS": Syntax(JPEGLSLossless, _by_dcmtk("dcmcjpls", "+el")),
    "JPEG 2000 lossless": Syntax(JPEG2000Lossless, _by_pydicom(JPEG2000Lossless)),
    "RLE": Syntax(RLELossless, _by_dcmtk("dcmcrle")),
    "HTJ2K lossless": Syntax(
        HTJ2KLossless, _by_openjph(HTJ2KLossless, *_REVERSIBLE, "LRCP"), signed=False
    ),
    "HTJ2K lossless RPCL": Syntax(
        HTJ2KLosslessRPCL, _by_openjph(HTJ2KLosslessRPCL, *_REVERSIBLE, "RPCL"), signed=False
    ),
    "JPEG-LS near-lossless": Syntax(
        JPEGLSNearLossless, _by_dcmtk("dcmcjpls", "+en"), 2.0, signed=False
    ),
    "JPEG 2000": Syntax(JPEG2000, _by_pydicom(JPEG2000, j2k_cr=[2]), 40.0),
    "HTJ2K": Syntax(HTJ2K, _by_openjph(HTJ2K, "-qstep", "0.0005"), 20.0, signed=False),
    "JPEG Baseline": Syntax(JPEGBaseline8Bit, _by_dcmtk("dcmcjpeg", "+eb"), 160.0),
    "JPEG Extended": Syntax(JPEGExtended12Bit, _by_dcmtk("dcmcjpeg", "+ee"), 20.0),
}
"""Every transfer syntax that is accepted, in the listener's order of preference."""
