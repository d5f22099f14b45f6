"""`check` names what is wrong and what to do, and changes nothing."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.registry import store
from node.settings import WEIGHTS
from node.spool import mount
from tests.support.committing_pacs import CommittingPacs
from tests.support.postgres import postgres_server
from tests.support.prompt import perfusion_node, registry_of, settings_file


def findings(config: Path) -> dict[str, dict[str, object]]:
    return {f["what"]: f for f in perfusion_node("check", "--config", config, "--json").json}


def test_a_node_that_never_ran_is_checked_without_a_trace(tmp_path: Path) -> None:
    """What `up` will make is said to be made by it; the model is loaded and run."""
    found = findings(settings_file(tmp_path))
    wrong = [what for what, finding in found.items() if not finding["good"]]
    assert wrong == ["destinations"]
    assert "perfusion-node up" in str(found["database"]["found"])
    assert "loaded and run" in str(found["model"]["found"])
    assert [path.name for path in tmp_path.iterdir()] == ["node.toml"]


def test_a_registry_that_is_there_answers(tmp_path: Path) -> None:
    """The database is asked, not only looked for."""
    config = settings_file(tmp_path)
    with registry_of(config):
        pass
    assert findings(config)["database"]["found"] == "answers"


@pytest.mark.parametrize(
    ("settings", "what", "said"),
    [
        ('[model]\npath = "/no/such.onnx"', "model", "/no/such.onnx does not exist"),
        ("[spool]\nmin_free_gib = 1e9", "disk", "1000000000.0 GiB are kept free: nothing"),
        ("[spool]\nlow_free_gib = 1e9", "disk", "finished studies expire early"),
        (
            '[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = 1',
            "destination pacs",
            "127.0.0.1:1",
        ),
        ("[jobs]\nlease_s = 60", "destinations", "none"),
    ],
)
def test_what_is_wrong_is_found_with_a_remedy(
    tmp_path: Path, settings: str, what: str, said: str
) -> None:
    """Each wrong part has its own line with numbers or names, and what to do."""
    finding = findings(settings_file(tmp_path, settings))[what]
    assert finding["good"] is False
    assert said in str(finding["found"])
    assert finding["remedy"]


def test_a_redis_that_does_not_answer_is_wrong_only_where_one_is_set(tmp_path: Path) -> None:
    """The embedded one is `up`'s own and need not run now."""
    assert findings(settings_file(tmp_path))["redis"]["good"]
    (config := tmp_path / "node.toml").write_text(
        f'data_dir = "{tmp_path}/data"\nredis_url = "redis://127.0.0.1:1/0"\n'
    )
    assert not findings(config)["redis"]["good"]


def test_a_data_dir_that_is_a_file_is_wrong(tmp_path: Path) -> None:
    """Its name is said."""
    config = settings_file(tmp_path)
    (tmp_path / "data").touch()
    assert f"{tmp_path}/data is a file" in str(findings(config)["data_dir"]["found"])


def test_a_model_that_was_tampered_with_is_wrong(tmp_path: Path) -> None:
    """The checksum of its manifest decides."""
    for end in (".onnx", ".json"):
        shutil.copy((WEIGHTS / "perfusion").with_suffix(end), tmp_path / f"m{end}")
    with (tmp_path / "m.onnx").open("ab") as weights:
        weights.write(b"!")
    found = findings(settings_file(tmp_path, f'[model]\npath = "{tmp_path}/m.onnx"'))
    assert "sha256" in str(found["model"]["found"])


def test_the_exit_code_says_whether_anything_is_wrong(tmp_path: Path) -> None:
    """1 as soon as one part is; the table says the same as the JSON."""
    said = perfusion_node("check", "--config", settings_file(tmp_path))
    assert said.code == 1
    assert "WRONG  destinations" in said.out


@pytest.mark.parametrize("commits", [True, False])
def test_a_destination_is_asked_whether_it_takes_storage_commitment(
    tmp_path: Path, commits: bool
) -> None:
    """Only where the settings ask for it; a destination that does not take it is wrong."""
    pacs = CommittingPacs(commits=commits)
    block = f'[[destinations]]\nname = "pacs"\nae_title = "PACS"\nport = {pacs.port}\n'
    assert "commitment pacs" not in findings(settings_file(tmp_path, block))
    found = findings(settings_file(tmp_path, f"{block}commitment = true"))["commitment pacs"]
    pacs.close()
    assert found["good"] == commits
    assert bool(found["remedy"]) != commits


def shared(folder: Path, kind: str, options: str) -> Path:
    """A table of mounts that has the folder on a share."""
    table = folder / "mountinfo"
    line = f"24 1 254:0 / {folder} rw - {kind} filer:/export rw,{options}\n"
    table.write_text(f"23 1 254:0 / / rw - ext4 /dev/vda rw\n{line}")
    return table


def test_a_registry_of_sqlite_on_a_share_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its locks and its shared memory end at the host; the folder itself is sound."""
    monkeypatch.setattr(mount, "_MOUNTS", shared(tmp_path, "nfs4", "hard,local_lock=none"))
    found = findings(settings_file(tmp_path))
    assert found["data_dir"]["good"]
    assert "nfs4 (filer:/export)" in str(found["data_dir"]["found"])
    assert not found["database"]["good"]
    assert "PostgreSQL" in str(found["database"]["remedy"])


def test_a_share_that_may_lose_what_was_acknowledged_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option at fault is named, and the right one."""
    monkeypatch.setattr(mount, "_MOUNTS", shared(tmp_path, "nfs4", "soft,local_lock=none"))
    found = findings(settings_file(tmp_path))["data_dir"]
    assert not found["good"]
    assert "mounted soft" in str(found["found"])
    assert "hard" in str(found["remedy"])


@pytest.mark.parametrize(("ahead_s", "good", "words"), [(0, True, ""), (190, False, "ahead of")])
def test_a_clock_that_is_not_the_databases_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float, good: bool, words: str
) -> None:
    """Another host's lease would seem over: the difference is told in seconds."""
    late = datetime.now(UTC) + timedelta(seconds=ahead_s)
    with postgres_server() as new:
        config = settings_file(tmp_path, f'database_url = "{new()}"')
        if ahead_s:
            monkeypatch.setattr(store, "utc_now", lambda: late)
        found = findings(config)["clock"]
    assert found["good"] is good
    assert words in str(found["found"])
