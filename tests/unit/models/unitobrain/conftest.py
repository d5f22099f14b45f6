"""A tiny dataset in UniToBrain's layout."""

import shutil
from pathlib import Path

import pytest

from models.unitobrain import (
    Subject,
    read_subject,
    subjects,
)
from tests.support.unitobrain import (
    TinySubject,
    write_dataset,
)

TINY = TinySubject()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject, written once and never changed."""
    return write_dataset(tmp_path_factory.mktemp("dataset"), TINY)


@pytest.fixture
def root(written: Path, tmp_path: Path) -> Path:
    """A copy of the dataset to spoil."""
    return Path(shutil.copytree(written, tmp_path / "dataset"))


@pytest.fixture(scope="module")
def subject(written: Path) -> Subject:
    return read_subject(*subjects(written))
