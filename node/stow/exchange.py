"""One request and its answer; whatever keeps them from coming about is a fault with a remedy."""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from node.errors import PeerUnreachableError
from node.settings import WebDestination
from node.stow.credentials import credentials, trust

_CONNECT_S, _SEND_S, _ANSWER_S = 10.0, 60.0, 120.0
MAX_ANSWER_BYTES = 4 * 2**20
"""A longer answer is not read: what is expected is a line for each object."""
_AGENT = "perfusion-node"
_PHRASES = {int(status): status.phrase for status in HTTPStatus}

_LATER = "Nothing: the node tries again by itself. If it stays so, look at the server and its log."
_REMEDIES = {
    401: "Check token, or user and password, of the destination; the server does not accept them.",
    403: "Give the destination's account the right to store on the server.",
    404: "Check url of the destination: /studies is appended to it.",
    405: "Check url of the destination; the server offers no such service there.",
    406: "The server must answer in application/dicom+json or application/dicom+xml.",
    407: "Let the node reach the server without a proxy that asks for credentials.",
    501: "Check url of the destination; the server offers no such service there.",
}


@dataclass(frozen=True)
class Answer:
    """What came back: status, media type and body, and how long the server wants to be left alone.

    ``retry_after_s`` is 0 where it does not say.
    """

    status: int
    media_type: str
    body: bytes
    retry_after_s: float = 0.0

    @property
    def words(self) -> str:
        """The status as ``HTTP 413 Content Too Large``."""
        return f"HTTP {self.status} {_PHRASES.get(self.status, '')}".rstrip()


class Exchange:
    """Requests to one DICOMweb server over one connection; use it in a ``with`` statement.

    No proxy and no credentials of the environment are used, only what is configured; a
    redirection is told, not followed.

    Raises
    ------
    PeerUnreachableError
        If a secret or certificate of the settings cannot be read.
    """

    def __init__(self, destination: WebDestination) -> None:
        self._destination = destination
        self._client = httpx.Client(
            auth=credentials(destination),
            headers={"User-Agent": _AGENT},
            verify=trust(destination),
            trust_env=False,
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S, write=_SEND_S),
        )

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str], accept: str) -> Answer:
        """The answer to a search."""
        url = f"{self._destination.url}{path}"
        request = self._client.build_request(
            "GET", url, params=dict(query), headers={"Accept": accept}
        )
        return self._answer(request)

    def post(self, path: str, body: Iterable[bytes], headers: Mapping[str, str]) -> Answer:
        """The answer to objects, sent as they are read."""
        url = f"{self._destination.url}{path}"
        return self._answer(
            self._client.build_request("POST", url, content=body, headers=dict(headers))
        )

    def _answer(self, request: httpx.Request) -> Answer:
        with faults_told(self._destination):
            response = self._client.send(request, stream=True)
            try:
                return Answer(
                    response.status_code,
                    response.headers.get("Content-Type", "").lower(),
                    self._body(response),
                    _seconds(response.headers.get("Retry-After", "")),
                )
            finally:
                response.close()

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for block in response.iter_bytes():
            body += block
            if len(body) > MAX_ANSWER_BYTES:
                raise PeerUnreachableError(
                    f"{name_of(self._destination)} answered more than {MAX_ANSWER_BYTES} bytes",
                    "Check url of the destination: what answers there is no DICOMweb server.",
                )
        return bytes(body)


def name_of(destination: WebDestination) -> str:
    """The destination for people."""
    return f"{destination.name} ({destination.url})"


def fault_of(destination: WebDestination, answer: Answer) -> PeerUnreachableError:
    """An answer that is none to what was asked, as a fault that may pass or be mended."""
    found = f"{name_of(destination)} answered {answer.words}"
    remedy = _REMEDIES.get(answer.status, _LATER)
    if 300 <= answer.status < 400:
        remedy = "Set url of the destination to where the server redirects to."
    return PeerUnreachableError(found, remedy, answer.retry_after_s)


@contextmanager
def faults_told(destination: WebDestination) -> Iterator[None]:
    """Faults of connection and protocol as :class:`~node.errors.PeerUnreachableError`.

    Raises
    ------
    PeerUnreachableError
        If there is no connection, or it ends or stalls before the answer.
    """
    try:
        yield
    except httpx.HTTPError as fault:
        found, remedy = _told(fault)
        raise PeerUnreachableError(f"{name_of(destination)} {found}", remedy) from fault
    except httpx.InvalidURL as fault:
        raise PeerUnreachableError(
            f"{name_of(destination)} is no address", "Check url of the destination."
        ) from fault


def _told(fault: httpx.HTTPError) -> tuple[str, str]:
    """What happened on the way, and what to do."""
    if tls := _tls_fault(fault):
        return (
            f"cannot be spoken to over TLS: {tls.reason or type(tls).__name__}",
            "Check tls.ca of the destination against the server's certificate and its host name,"
            " and tls.cert and tls.key if the server asks for a certificate.",
        )
    if isinstance(fault, httpx.ConnectTimeout | httpx.ConnectError):
        return "cannot be connected to", "Check url, name resolution, firewall and the server."
    if isinstance(fault, httpx.TimeoutException):
        return f"did not answer within {_ANSWER_S:g} s", _LATER
    return "ended the connection before it answered", _LATER


def _tls_fault(fault: BaseException) -> ssl.SSLError | None:
    seen: BaseException | None = fault
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    return seen


def _seconds(retry_after: str) -> float:
    """What Retry-After says, in seconds from now (RFC 9110 10.2.3); 0 where it says nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
