"""What people see: the status page, its API, health and metrics."""

from node.status.app import create_app
from node.status.doorkeeper import Doorkeeper
from node.status.probes import DestinationInfo, Probes
from node.status.rulebook import Rulebook
from node.status.server import serve

__all__ = ["DestinationInfo", "Doorkeeper", "Probes", "Rulebook", "create_app", "serve"]
