"""Part 10 files on one disk: a call that returns has made its file durable."""

from node.spool.file_spool import FileSpool
from node.spool.inventory import FileInventory
from node.spool.mount import Mount, mount_of

__all__ = ["FileInventory", "FileSpool", "Mount", "mount_of"]
