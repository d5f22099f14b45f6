"""The rules as the status page tries them."""

import subprocess
import sys
from pathlib import Path

from tests.support.running_node import ROOT

LOOK = """
import sys
from node.settings import Settings
from node.wiring import Node
with Node(Settings()) as node:
    app = node.status_app()
    assert node.probes().rulebook('[[analysis.rules]]\\naction = "skip"').limits.rules
    print(*sorted({"highdicom", "onnxruntime", "celery", "scipy.ndimage"} & set(sys.modules)))
"""


def test_the_page_tries_rules_without_loading_the_analysis(tmp_path: Path) -> None:
    """What makes objects, and networks, is memory that a page has no use for."""
    environment = {"PYTHONPATH": str(ROOT), "PERFUSION_NODE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.stdout == "\n"
