"""Settings: file, environment, and every problem at once."""

from pathlib import Path

import pytest

from node.errors import SettingsError
from node.settings import Destination, Secret, Settings, WebDestination, load


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


WEB = '[[destinations]]\nname = "web"\n'


def test_a_destination_with_a_url_is_a_dicomweb_server(tmp_path: Path) -> None:
    """Both kinds stand in one list, in their order; what follows the root is cut off."""
    path = write(
        tmp_path,
        '[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = 104\n'
        f'{WEB}url = "https://[::1]:8443/dicom-web/"\nuser = "node"\n'
        'password = { env = "SECRET" }\nresults = ["report"]\n',
    )
    pacs, web = load(path).destinations
    assert isinstance(pacs, Destination)
    assert isinstance(web, WebDestination)
    assert (web.url, web.user, web.results) == ("https://[::1]:8443/dicom-web", "node", ("report",))
    assert load(path) == Settings.model_validate_json(load(path).model_dump_json())


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ('url = "ftp://x"', "url", "https://"),
        ('url = "x/dicom-web"', "url", "https://"),
        ('url = "https://"', "url", "names a host"),
        ('url = "https://x:port"', "url", "address"),
        ('url = "https://x:70000"', "url", "address"),
        ('url = "https://me:sesame@x"', "url", "no credentials"),
        ('url = "https://x/?a=b"', "url", "no ?"),
        ('url = "https://x/studies/"', "url", "before /studies"),
        ('url = "https://x"\nae_title = "PACS"', "ae_title", "only in one without a url"),
        ('url = "https://x"\ntoken = { }', "token", "either file or env"),
        ('url = "https://x"\ntoken = { file = "a", env = "b" }', "token", "either file or env"),
        ('url = "https://x"\ntoken = "sesame"', "token", "Input should be"),
        ('url = "https://x"\nuser = "me"', "user", "go together"),
        ('url = "https://x"\npassword = { env = "A" }', "user", "go together"),
        ('url = "https://x"\nuser = "a:b"\npassword = { env = "A" }', "user", "colon"),
        (
            'url = "https://x"\nuser = "me"\npassword = { env = "A" }\ntoken = { env = "B" }',
            "password",
            "either token",
        ),
        ('url = "https://x"\ntls = { key = "key.pem" }', "tls.key", "set cert too"),
        ('url = "http://x"\ntls = { ca = "ca.pem" }', "tls", "https://"),
        ("", "ae_title", "required"),
    ],
)
def test_what_is_wrong_with_a_dicomweb_server_is_named_by_its_key(
    tmp_path: Path, text: str, key: str, says: str
) -> None:
    """The key as the file has it, what is wrong, and never a secret that stands there."""
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, f"{WEB}{text}\n"))
    (line,) = (s for s in str(caught.value).splitlines() if s.startswith(f"destinations.0.{key}:"))
    assert says in line
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://archive", True),
        ("http://10.0.0.5:8042/dicom-web", True),
        ("https://archive", False),
        ("http://127.0.0.1:8042", False),
        ("http://[::1]:8042", False),
    ],
)
def test_credentials_that_can_be_read_on_the_way_are_known(url: str, shown: bool) -> None:
    """Without TLS, to another machine; without credentials there is nothing to read."""
    known = WebDestination(name="web", url=url, token=Secret(env="TOKEN"))
    assert known.shows_credentials is shown
    assert not WebDestination(name="web", url=url).shows_credentials


def test_a_secret_is_read_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its file or variable, white space around it cut off; what is not there is a fault."""
    (tmp_path / "secret").write_text(" sesame\n")
    monkeypatch.setenv("SESAME", "open")
    assert Secret(file=tmp_path / "secret").read() == "sesame"
    assert Secret(env="SESAME").read() == "open"
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    for gone in (Secret(file=tmp_path / "secret"), Secret(file=tmp_path), Secret(env="NOT_SET")):
        with pytest.raises(SettingsError):
            gone.read()


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
