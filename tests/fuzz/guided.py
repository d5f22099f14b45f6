"""Cases that coverage guides: atheris chooses the bytes that chance is read from.

Every byte string is a case (:class:`tests.fuzz.cases.Choices`), so what libFuzzer learns to mutate
is which scan, which mishaps and which values, not the bytes of a file that mostly stays unread.
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

import atheris

# Told where the code branches; imported here first, so that it can be.
with atheris.instrument_imports(
    include=["node.series", "node.perfusion.gaps", "node.perfusion.dynamic"]
):
    from node.series import stack as _  # noqa: F401 - the import is the point
    from tests.fuzz.harness import MOST_BYTES, Bench, quick_folder

from tests.fuzz.cases import Choices, case

_LONGEST_CASE = 512  # bytes of chance
_FIRST_CASES = 200
_MIB = 1 << 20


def fuzz(folder: Path, minutes: float) -> int:
    """Runs until the time is up, or the first crash, which libFuzzer writes to ``folder``.

    Never returns: libFuzzer ends the process, with 0 where nothing crashed.

    Parameters
    ----------
    folder
        Keeps the corpus, from which a later run goes on, and crashes.
    minutes
        How long.
    """
    warnings.simplefilter("ignore")
    corpus, crashes = folder / "corpus", folder / "crashes"
    for each in (corpus, crashes):
        each.mkdir(parents=True, exist_ok=True)
    for number in range(_FIRST_CASES):
        (corpus / f"first{number}").write_bytes(Random(number).randbytes(_LONGEST_CASE // 4))
    with tempfile.TemporaryDirectory(dir=quick_folder()) as one:
        bench = Bench.of_seeds(Path(one))

        def one_case(data: bytes) -> None:
            bench.walk(case(Choices(data)))

        options = {
            "max_len": _LONGEST_CASE,
            "len_control": 0,  # short bytes are not simpler cases
            "max_total_time": round(minutes * 60),
            "timeout": 60,
            "malloc_limit_mb": MOST_BYTES // _MIB,
            "rss_limit_mb": 4096,
            "artifact_prefix": f"{crashes}{os.sep}",
            "print_final_stats": 1,
        }
        told = [f"-{name}={value}" for name, value in options.items()]
        atheris.Setup([sys.argv[0], *told, str(corpus)], one_case)
        atheris.Fuzz()
    return 0
