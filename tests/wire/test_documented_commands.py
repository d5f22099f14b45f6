"""Every ``perfusion-node`` line of the documents, run: here, or by a test that is named."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.ports import Reason
from tests.support import registered as r
from tests.support.command_rules import RULES
from tests.support.commands import commands_of
from tests.support.documents import DOCUMENTS, ROOT
from tests.support.listening import listening
from tests.support.prompt import Said, perfusion_node, registry_of
from tests.support.redis_server import RedisServer
from tests.support.running_node import free_port, wait_for
from tests.support.studies import small_scan

LINES = {
    " ".join(command.words[1:]).replace(" --config node.toml", "")
    for path in DOCUMENTS
    for command in commands_of(path, path.read_text(), tuple(RULES))
    if command.program == "perfusion-node"
}
MENTIONED = {"alive", "analyse", "backup", "logs", "send", "settings init", "show", "..."}
"""Names of commands in running text: no calls."""

# What needs a node that runs, a mail server or another clock: the test that runs it.
ELSEWHERE = {
    "up": "test_ctrl_c_ends_every_part",
    "reload": "test_a_reload_keeps_associations_and_says_what_waits_for_a_restart",
    "canary": "test_a_canary_goes_through_the_whole_node_and_to_no_pacs",
    "canary --history": "test_a_canary_goes_through_the_whole_node_and_to_no_pacs",
    "alive scp": "test_a_part_that_has_just_beaten_is_alive",
    "alerts test": "test_the_prompt_says_which_way_took_a_test",
    "demo": "test_the_demo_walks_the_whole_route",
}

# The series that ID stands for, by what is asked of it; else the one that was delivered.
OF = {"reanalyse": "1.4", "retry": "1.5", "complete": "1.6", "cancel": "1.7", "prioritise": "1.8"}
PASSWORD = "a good pass phrase of some length"
# In the order in which they can be done: what is asked, and how it ends.
STORY = {
    "--help": 0,
    "settings init --out FILE": 0,
    "settings show": 0,
    "settings show --changed": 0,
    "check": 0,
    "echo": 0,
    "echo NAME": 0,
    "echo trial": 0,
    "explain FOLDER": 0,
    "explain FOLDER --peer STROKE_CT": 0,
    "send FOLDER --to NAME": 0,
    "analyse FOLDER --out OURS": 0,
    "analyse FOLDER --out OURS --json": 0,
    "analyse FOLDER --out RESULTS": 0,
    "analyse FOLDER --out RESULTS --json": 0,
    "compare OURS THEIRS --out comparison": 0,
    "studies": 0,
    "studies --state FAILED": 0,
    "show ID": 0,
    "logs ID": 1,  # nothing was logged about it: no part of this node ever ran
    "logs STUDY": 1,
    "prioritise ID": 0,
    "cancel ID": 0,
    "complete ID": 0,
    "retry ID": 0,
    "resend ID": 0,
    "reanalyse ID": 0,
    "pause receiving": 0,
    "resume receiving": 0,
    "pause delivering": 0,
    "resume delivering": 0,
    "resume analysing": 0,
    "alerts show": 0,
    "users add NAME --role administrator": 0,
    "users add ana --role administrator": 0,
    "users add NAME --role operator": 0,
    "users add NAME --role operator --no-password": 0,
    "users list": 0,
    "users role NAME --role viewer": 0,
    "users password NAME": 0,
    "users remove NAME": 0,
    "tokens add NAME --role viewer --days 90": 0,
    "tokens list": 0,
    "tokens revoke NAME": 0,
    "audit": 0,
    "audit --result refused": 0,
    "backup --to FILE": 0,
    "backup --to /backup/node.tar.gz": 0,
    "restore FILE": 2,  # it would replace what is there
    "restore FILE --replace": 0,
    "restore /backup/node.tar.gz --replace": 0,
}
# What serves until it is ended, and what its log says once it has begun.
SERVES = {
    "scp": "listener_started",
    "worker --queues analyse": "worker_started",
    "worker --queues deliver": "worker_started",
    "worker --queues analyse,deliver": "worker_started",
    "status": "page_opened",
}


def test_every_line_of_the_documents_has_who_runs_it() -> None:
    """A line that nobody runs is not known to be true; a line that is nowhere needs nobody."""
    source = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert {*STORY, *ELSEWHERE, *SERVES} == LINES - MENTIONED
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in source] == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where an administrator sits: settings, a registry with series in every state, a study."""
    folder = tmp_path_factory.mktemp("desk")
    small_scan(folder / "made", "documents").folder.rename(folder / "FOLDER")
    with listening(folder / "archive", ae_title="PACS") as pacs:
        blocks = "".join(
            f'[[destinations]]\nname = "{name}"\nae_title = "PACS"\nport = {pacs.port}\n'
            for name in ("NAME", "trial")
        )
        (folder / "node.toml").write_text(f'data_dir = "{folder}/data"\n{blocks}')
        _filled(folder / "node.toml")
        here = Path.cwd()
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(here)


def _filled(config: Path) -> None:
    """One delivered, one refused, one failed, one that receives, two that wait."""
    with registry_of(config) as registry:
        r.ready(registry, {"NAME": ("colour",)})
        r.answer_all(registry)
        r.receive(registry, series="1.6")
        for series in ("1.5", "1.7", "1.8"):
            r.complete(registry, series)
        r.complete(registry, "1.4")
        refused = r.outcome(objects=0, reason=r.REFUSED)
        registry.finish(r.lease(registry, series="1.4"), refused, destinations={}, now=r.now())
        taken = r.lease(registry, series="1.5")
        reason = Reason("bug", "it broke", "Mend it.")
        registry.fault(taken, reason, now=r.now(), next_try_at=None)


def asked(desk: Path, line: str) -> Said:
    """The line as it stands, with what its placeholders stand for."""
    verb = line.split(maxsplit=1)[0]
    words = {
        "ID": OF.get(verb, r.SERIES),
        "STUDY": "1.2",
        "FILE": {"backup": "one.tar.gz", "restore": "one.tar.gz"}.get(verb, "new.toml"),
        "/backup/node.tar.gz": "two.tar.gz",
    }
    if verb == "users":
        words["NAME"] = (
            re.sub(r"\W+", "-", line) if " add " in line else "users-add-NAME-role-operator"
        )
    typed = [words.get(word, word) for word in line.split()]
    takes_settings = verb not in ("--help", "compare") and line != "settings init --out FILE"
    config = ["--config", "node.toml"] if takes_settings else []
    return perfusion_node(*typed, *config, said=f"{PASSWORD}\n")


def test_every_line_that_ends_by_itself_ends_as_it_should(desk: Path) -> None:
    """One after the other, as an administrator might type them in a year."""
    wrong = []
    for line, code in STORY.items():
        if line.startswith("compare"):
            shutil.copytree("OURS", "THEIRS")
        said = asked(desk, line)
        if said.code != code:
            wrong.append((line, said.code, said.out[-300:], said.err[-300:]))
    assert wrong == [], "\n".join(map(str, wrong))


def _catches(pid: int) -> bool:
    """Whether a process ends in an orderly way: it handles SIGTERM (proc(5): SigCgt)."""
    (mask,) = re.findall(r"SigCgt:\s+(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("line", SERVES)
def test_a_part_serves_until_it_is_ended(line: str, tmp_path: Path) -> None:
    """It begins with the settings as they are, and ends cleanly when it is told to."""
    (redis := RedisServer(tmp_path)).start()
    settings = f'data_dir = "{tmp_path}/data"\nredis_url = "{redis.url}"\n'
    ports = f"[scp]\nport = {free_port()}\n[status]\nport = {free_port()}\n"
    (tmp_path / "node.toml").write_text(settings + ports)
    command = [sys.executable, "-m", "node.cli", *line.split(), "--config"]
    with (tmp_path / "log").open("wb") as log:
        part = subprocess.Popen(
            [*command, tmp_path / "node.toml"], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: SERVES[line] in (tmp_path / "log").read_text(), f"{line} has begun", 90)
        wait_for(lambda: _catches(part.pid), f"{line} can be ended", 30)
        part.terminate()
        assert part.wait(60) == 0
    finally:
        part.kill()
        redis.kill()


def test_the_demo_walks_the_whole_route(tmp_path: Path) -> None:
    """``make demo`` is this with its libraries installed: a stroke goes in, its maps come back."""
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "node.cli", "demo", "--once", "--folder", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
