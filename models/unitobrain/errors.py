"""What is wrong with a dataset on disk, where, and what a person can do."""

from pathlib import Path

from node.errors import NodeError


class DatasetError(NodeError):
    """A folder or file that is not what the dataset's layout says.

    Parameters
    ----------
    path
        The folder or file at fault.
    problem
        What is wrong with it.
    remedy
        What a person can do; the class's own remedy where omitted.

    Attributes
    ----------
    path
        The folder or file at fault.
    """

    remedy = "Unpack the subject's folders again, or move all of them out of the root."

    def __init__(self, path: Path, problem: str, remedy: str | None = None) -> None:
        super().__init__(f"{path}: {problem}", remedy)
        self.path = path
