"""The same image in every transfer syntax, each made by an encoder that is not the node's."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
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
    """

    uid: UID
    write: Write
    off_by_hu: float = 0.0

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


def _near_lossless(dataset: Dataset, path: Path) -> None:
    """DCMTK compresses unsigned pixels only: a signed image's bits are told to it as such."""
    signed = dataset.PixelRepresentation
    dataset.PixelRepresentation = 0
    _by_dcmtk("dcmcjpls", "+en")(dataset, path)
    dataset.PixelRepresentation = signed
    compressed = dcmread(path)
    compressed.PixelRepresentation = signed
    compressed.save_as(path)


def _by_openjph(syntax: UID, order: str, step: float = 0.0) -> Write:
    """In that order of progression; reversible, or in quantization steps of stored values.

    OpenJPH reads unsigned pixels only.

    A stream of signed ones is that of the same values raised by half their range, but for a bit
    of its header: unsigned ones are lowered by it before they are transformed (T.800 G.1.2).
    """

    def write(dataset: Dataset, path: Path) -> None:
        planes, stream = path.with_suffix(".yuv"), path.with_suffix(".j2c")
        signed = dataset.PixelRepresentation
        raised = np.frombuffer(dataset.PixelData, "<u2") + np.uint16(signed << 15)
        planes.write_bytes(raised.tobytes())
        size = f"{{{dataset.Columns},{dataset.Rows}}}"
        layout = ["-dims", size, "-num_comps", "1", "-downsamp", "{1,1}", "-signed", "false"]
        depth = ["-bit_depth", str(dataset.BitsStored)]
        program = require("ojph_compress", package="openjph-tools")
        files = ["-i", str(planes), "-o", str(stream)]
        # OpenJPH 0.9 spoils images that shrink to a single value, so three levels for small ones.
        command = [program, *files, *layout, *depth, "-num_decomps", "3", "-prog_order", order]
        if step:
            command += ["-qstep", f"{step / (1 << dataset.BitsStored):.8f}"]
        else:
            command += ["-reversible", "true"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        coded = bytearray(stream.read_bytes())
        coded[_SSIZ] |= signed << 7
        dataset.PixelData = encapsulate([bytes(coded)])
        dataset["PixelData"].VR = "OB"
        _plain(syntax)(dataset, path)
        planes.unlink()
        stream.unlink()

    return write


_SSIZ = 42  # sign and depth of the first component: SOC, SIZ up to there (T.800 A.5.1) [byte]

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
    "HTJ2K lossless": Syntax(HTJ2KLossless, _by_openjph(HTJ2KLossless, "LRCP")),
    "HTJ2K lossless RPCL": Syntax(HTJ2KLosslessRPCL, _by_openjph(HTJ2KLosslessRPCL, "RPCL")),
    "JPEG-LS near-lossless": Syntax(JPEGLSNearLossless, _near_lossless, 2.0),
    "JPEG 2000": Syntax(JPEG2000, _by_pydicom(JPEG2000, j2k_cr=[2]), 40.0),
    "HTJ2K": Syntax(HTJ2K, _by_openjph(HTJ2K, "RPCL", step=2.0), 20.0),
    "JPEG Baseline": Syntax(JPEGBaseline8Bit, _by_dcmtk("dcmcjpeg", "+eb"), 160.0),
    "JPEG Extended": Syntax(JPEGExtended12Bit, _by_dcmtk("dcmcjpeg", "+ee"), 20.0),
}
"""Every transfer syntax that is accepted, in the listener's order of preference."""
