"""One sender's part: a group of conversations and messages, and how each of them ended."""

import socket
import struct
from collections import Counter
from contextlib import closing

from tests.fuzz.associations import request_out_of_true
from tests.fuzz.conversations import Conversation, conversation
from tests.fuzz.ledger import Ledger
from tests.fuzz.messages import SYNTAXES, Message, message
from tests.support.upper_layer import RELEASE_RQ, associate_rq, read_pdu

TRIES = 20
PATIENCE_S = 300.0
# Of a group's first numbers; the others are messages.
CONVERSATIONS = 6
_ACCEPTED, _REJECTED, _DATA, _ABORTED = 2, 3, 4, 7
_STATUS = struct.pack("<HHI", 0, 0x0900, 2)
_SUCCESS = "answered 0000"


class Talker:
    """Says what numbers stand for to a listener.

    Parameters
    ----------
    port
        Of the listener.
    seed
        Of everything that is said.
    sound
        A data set and its SOP Instance UID, for conversations that are broken elsewhere.
    ledger
        Where it is written what was acknowledged.
    """

    def __init__(self, port: int, seed: int, sound: tuple[bytes, str], ledger: Ledger) -> None:
        self._port, self._seed, self._sound, self._ledger = port, seed, sound, ledger

    def talk(self, numbers: range) -> Counter[str]:
        """How each number's input ended.

        Raises
        ------
        AssertionError
            If 0x0000 was said to what is broken.
        """
        endings: Counter[str] = Counter()
        for number in numbers[:CONVERSATIONS]:
            kind, talk = self._conversation(number)
            endings[f"{kind}: {self._hold(talk)}"] += 1
        self._exchange([message(self._seed, number) for number in numbers[CONVERSATIONS:]], endings)
        return endings

    def _conversation(self, number: int) -> tuple[str, Conversation]:
        if number % 2:
            return "association request", request_out_of_true(self._seed, number)
        return "PDUs", conversation(self._seed, number, *self._sound)

    def _hold(self, talk: Conversation) -> str:
        """How one conversation ended."""
        with closing(self._connected()) as sock:
            if talk.ending == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                if talk.request:
                    sock.sendall(talk.request)
                    read_pdu(sock)
                for piece in talk.pieces:
                    sock.sendall(piece)
                if talk.ending == "reset":
                    return "reset by the sender"
                if talk.ending == "half-closed":
                    sock.shutdown(socket.SHUT_WR)
                return _last_word(sock)
            except TimeoutError:
                return "left waiting"
            except OSError:
                return "cut off"

    def _exchange(self, messages: list[Message], endings: Counter[str]) -> None:
        """Messages one after another, in a new association wherever one ended the last."""
        sock = None
        for said in messages:
            sock = sock or self._associated()
            ending = _answer_to(sock, said)
            endings[f"{said.kind}: {ending}"] += 1
            if ending == _SUCCESS:
                assert not said.broken, f"0000 was said to a data set that is {said.kind}"
                if said.data_set:
                    self._ledger.acknowledged(said.data_set)
            if not ending.startswith("answered"):
                sock.close()
                sock = None
        if sock:
            sock.sendall(RELEASE_RQ)
            sock.close()

    def _associated(self) -> socket.socket:
        """A sound association; a listener that is short of time may let a request go."""
        for _ in range(TRIES):
            sock = self._connected()
            try:
                sock.sendall(associate_rq(b"PERFUSION", b"FUZZ", SYNTAXES))
                answer = read_pdu(sock)
            except ConnectionError:
                answer = b""
            if answer[:1] == bytes([_ACCEPTED]):
                return sock
            sock.close()
            assert answer[:1] in (b"", bytes([_ABORTED])), f"a sound request: {answer[:10]!r}"
        raise AssertionError(f"a sound request was let go {TRIES} times")

    def _connected(self) -> socket.socket:
        # A loaded machine may let a sound request wait; what is broken is let go in some seconds.
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


def _answer_to(sock: socket.socket, said: Message) -> str:
    try:
        sock.sendall(said.pdus)
        answer = read_pdu(sock)
    except TimeoutError:
        return "left waiting"
    except OSError:
        return "cut off"
    if answer[:1] == bytes([_DATA]):
        at = answer.find(_STATUS) + len(_STATUS)
        return f"answered {int.from_bytes(answer[at : at + 2], 'little'):04X}"
    return {b"": "closed without a word", bytes([_ABORTED]): "aborted"}.get(answer[:1], "released")


def _last_word(sock: socket.socket) -> str:
    """What the listener said last."""
    heard = b""
    while piece := sock.recv(65536):
        heard += piece
    if not heard:
        return "closed without a word"
    last = heard[-10:]
    if last[:1] == bytes([_ABORTED]):
        return "aborted"
    return "rejected" if last[:1] == bytes([_REJECTED]) else "answered"
