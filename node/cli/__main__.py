"""``python -m node.cli`` is ``perfusion-node``: how the node starts its own parts."""

from node.cli.app import main

main()
