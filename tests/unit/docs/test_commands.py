"""Every command of the documents is true: it parses, and all that it names is there."""

from pathlib import Path

import pytest

from tests.support.command_rules import FOLDERS, RULES, UntrueError
from tests.support.commands import Command, commands_of, of_line
from tests.support.documents import DOCUMENTS, ROOT

COMMANDS = {
    str(command): command
    for path in DOCUMENTS
    for command in commands_of(path, path.read_text(), tuple(RULES))
}


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some commands look whether a folder is there while their arguments are read."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_documents_would_work(name: str) -> None:
    """There is a rule for its program, and the rule has nothing to say."""
    command = COMMANDS[name]
    assert command.program in RULES, "a program without a rule: nobody knows whether it is true"
    RULES[command.program](command.words)


def test_every_document_with_a_block_of_shell_was_read() -> None:
    """The list is whole: no page with commands is left out, and every rule is needed."""
    with_blocks = {path for path in DOCUMENTS if "```sh\n" in path.read_text()}
    assert with_blocks <= {command.path for command in COMMANDS.values()}
    assert len(COMMANDS) > 230
    assert {command.program for command in COMMANDS.values()} == set(RULES)


UNTRUE = (
    "perfusion-node chek",
    "perfusion-node retry ID --at-once",
    "make tests",
    "make fuzz MINUTES=3",
    "python -m models simulat --out /tmp/ctp",
    "python -m models simulate --vendor siemens --bolus 3",
    "python -m tests.benchmarks.hosts --hosts 3",
    "python -m tests.fuss",
    "python -m docs.images.make_status_pages RESULTS",
    ".venv/bin/pytest tests/unit/serie -q",
    "pip install '.[tpu]'",
    "sudo apt-get install python3 dcmtoolkit",
    "sudo deploy/install.sh upgrade",
    "deploy/make-secrets perfusion.hospital.example twice",
    "cp deploy/settings.toml node.toml",
    "sudoedit /etc/perfusion/settings.toml",
    "sudo systemctl restart perfusion",
    "sudo systemctl enable perfusion-node-listener",
    "journalctl -u perfusion",
    "docker compose --profile grafana up -d",
    "docker compose -f docker-compose.gpu.yml up -d",
    "docker compose up --background",
    "docker compose upp",
    "kubectl create namespace perfusion",
    "kubectl create secret generic db --from-literal=url=x --namespace=perfusion-node",
    "kubectl apply -k deploy/k8s",
    "kubectl apply -f deploy/kubernetes",
    "storescu --scan-folders NODE 11112 FOLDER",
    "pg_dump --form=custom",
    "curl -s http://127.0.0.1:8050/api/serie",
    "curl -s -X POST http://127.0.0.1:8050/api/queue",
    "docker compose build && docker compose upp",
)


@pytest.mark.parametrize("line", UNTRUE)
def test_an_untrue_command_is_seen(line: str) -> None:
    """Planted in a document, each of these fails the test above."""
    *sound, last = commands_of(ROOT / "README.md", f"```sh\n{line}\n```\n", tuple(RULES))
    for command in sound:
        RULES[command.program](command.words)
    with pytest.raises(UntrueError):
        RULES[last.program](last.words)


def test_a_program_without_a_rule_is_seen() -> None:
    """A line of shell that nothing checks is not passed over."""
    (command,) = commands_of(ROOT / "README.md", "```sh\nfrobnicate --all\n```\n", tuple(RULES))
    assert command.program not in RULES


def test_what_stands_before_a_command_and_between_two_is_no_command() -> None:
    """Sudo, variables, a prompt and a comment are left out; each part of a line is read."""
    line = "DEMO=once sudo make demo && docker compose up -d   # and so on"
    assert [command.words for command in of_line(ROOT, line)] == [
        ["make", "demo"],
        ["docker", "compose", "up", "-d"],
    ]
    text = "```\n$ sudo make test\nnot a command\n```\nand `make lint`, `deploy/node.toml`\n"
    found: list[Command] = list(commands_of(ROOT, text, ("make",)))
    assert [list(command.words) for command in found] == [["make", "test"], ["make", "lint"]]
