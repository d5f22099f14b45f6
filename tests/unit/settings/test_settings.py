"""Settings: file, environment, and every problem at once."""

from pathlib import Path

import pytest

from node.errors import SettingsError
from node.settings import load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERFUSION_NODE_CONFIG", raising=False)


def write(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text)
    return path


def test_nothing_configured_listens_on_this_machine_only() -> None:
    """The defaults open nothing to the network."""
    settings = load()
    assert (settings.scp.host, settings.status.host) == ("127.0.0.1", "127.0.0.1")
    assert settings.scp.ae_title == "PERFUSION"


def test_the_environment_wins_over_the_file_key_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable replaces its own key and leaves the file's others alone."""
    path = write(tmp_path, '[scp]\nport = 104\nae_title = "CTP"\n')
    monkeypatch.setenv("PERFUSION_NODE_SCP__PORT", "11115")
    settings = load(path)
    assert (settings.scp.port, settings.scp.ae_title) == (11115, "CTP")


def test_the_file_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PERFUSION_NODE_CONFIG names the file, and is no setting itself."""
    path = write(tmp_path, 'redis_url = "redis://elsewhere/0"\n')
    monkeypatch.setenv("PERFUSION_NODE_CONFIG", str(path))
    assert load().redis_url == "redis://elsewhere/0"


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    """One look tells an administrator all that is wrong, key by key."""
    path = write(
        tmp_path,
        'colour = "red"\n[scp]\nport = 0\nae_title = "LONGER THAN SIXTEEN"\n'
        '[[destinations]]\nname = "a b"\nae_title = "PACS"\nport = 104\n',
    )
    with pytest.raises(SettingsError) as caught:
        load(path)
    for key in ("colour", "scp.port", "scp.ae_title", "destinations.0.name"):
        assert key in str(caught.value)


@pytest.mark.parametrize("text", ["[scp\n", "port = = 1\n"])
def test_broken_toml_is_named(tmp_path: Path, text: str) -> None:
    """A file that is no TOML is a fault that names the file."""
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=r"node\.toml"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A settings file that is not there is a fault, not a default."""
    with pytest.raises(SettingsError, match="does not exist"):
        load(tmp_path / "absent.toml")


def test_the_registry_is_sqlite_below_the_data_folder_unless_named(tmp_path: Path) -> None:
    """Without database_url the registry is one file in data_dir."""
    settings = load(write(tmp_path, f'data_dir = "{tmp_path}"\n'))
    assert settings.database == f"sqlite:///{tmp_path.resolve()}/registry.sqlite"


def test_two_destinations_of_one_name_are_refused(tmp_path: Path) -> None:
    """A destination's name is how everything else speaks of it."""
    block = '[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = 104\n'
    with pytest.raises(SettingsError, match="destinations"):
        load(write(tmp_path, block * 2))
