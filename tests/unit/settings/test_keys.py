"""A wrong key is named with the one that was meant, wherever it came from."""

from pathlib import Path

import pytest

from node.errors import SettingsError
from node.settings import load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PERFUSION_NODE_CONFIG", raising=False)


def said(folder: Path, text: str = "") -> list[str]:
    """Every line that is said of a file and the environment."""
    path = folder / "node.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    return str(caught.value).splitlines()[1:]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[scp]\nprot = 104", "scp.prot: there is no such key; did you mean scp.port?"),
        ("data_dirr = 'x'", "data_dirr: there is no such key; did you mean data_dir?"),
        ("[spc]\nport = 104", "spc: there is no such key; did you mean scp?"),
        ("grace_s = 1.0", "grace_s: there is no such key; did you mean scp.grace_s?"),
        (
            '[[destinations]]\nname = "a"\nae_titel = "A"\nae_title = "A"\nport = 104',
            "destinations.0.ae_titel: there is no such key; did you mean destinations.0.ae_title?",
        ),
        (
            '[[destinations]]\nname = "a"\nurl = "https://a"\ntls = { caa = "x" }',
            "destinations.0.tls.caa: there is no such key; did you mean destinations.0.tls.ca?",
        ),
        ("zzz = 1", "zzz: there is no such key"),
        (
            "[scp]\nport = 0",
            "scp.port: Input should be greater than or equal to 1; it says 0 (port to listen on)",
        ),
    ],
)
def test_a_wrong_key_is_named_with_the_one_that_was_meant(
    tmp_path: Path, text: str, line: str
) -> None:
    """The whole name of the key, what is wrong, and the nearest that there is."""
    assert said(tmp_path, text) == [line]


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("SPC__PORT", "PERFUSION_NODE_SPC__PORT: there is no such key; did you mean "
                      "PERFUSION_NODE_SCP__...?"),
        ("DATADIR", "PERFUSION_NODE_DATADIR: there is no such key; did you mean "
                    "PERFUSION_NODE_DATA_DIR?"),
        ("SCP__PROT", "scp.prot: there is no such key; did you mean scp.port?"),
        ("QQQ__PORT", "PERFUSION_NODE_QQQ__PORT: there is no such key"),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, line: str
) -> None:
    """A misspelt variable is a problem, not a setting that silently keeps its default."""
    monkeypatch.setenv(f"PERFUSION_NODE_{variable}", "104")
    assert said(tmp_path) == [line]


def test_variables_of_kubernetes_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service of the node's name sets variables with its prefix that mean nothing to it."""
    monkeypatch.setenv("PERFUSION_NODE_PORT", "tcp://10.0.0.1:11112")
    monkeypatch.setenv("PERFUSION_NODE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("PERFUSION_NODE_PORT_11112_TCP_ADDR", "10.0.0.1")
    assert load().scp.port == 11112


def test_a_value_can_be_in_a_file_that_a_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's and Kubernetes' secrets: over the settings file, white space cut off."""
    (tmp_path / "url").write_text("postgresql+psycopg://node:sesame@db/node\n")
    (tmp_path / "port").write_text("104")
    (tmp_path / "node.toml").write_text('database_url = "sqlite:///x"\n[scp]\nae_title = "CTP"\n')
    monkeypatch.setenv("PERFUSION_NODE_DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("PERFUSION_NODE_SCP__PORT_FILE", str(tmp_path / "port"))
    settings = load(tmp_path / "node.toml")
    assert settings.database_url == "postgresql+psycopg://node:sesame@db/node"
    assert (settings.scp.port, settings.scp.ae_title) == (104, "CTP")


def test_a_file_that_is_not_there_and_two_sources_of_one_key_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that cannot be read never silently becomes the default."""
    monkeypatch.setenv("PERFUSION_NODE_DATABASE_URL_FILE", "/nowhere/url")
    monkeypatch.setenv("PERFUSION_NODE_REDIS_URL_FILE", "/nowhere/redis")
    monkeypatch.setenv("PERFUSION_NODE_REDIS_URL", "redis://x")
    database, redis = said(tmp_path)
    assert database.startswith("database_url: /nowhere/url cannot be read")
    assert redis.startswith("redis_url: set it by PERFUSION_NODE_REDIS_URL or by")
