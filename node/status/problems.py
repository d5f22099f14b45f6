"""Every way a request can fail, as a status and a problem in words."""

import re
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from node.errors import (
    BadPasswordError,
    NameTakenError,
    NodeError,
    NotAllowedError,
    NotSignedInError,
    PeerUnreachableError,
    QueueUnavailableError,
    RegistryUnavailableError,
    ResultGoneError,
    TooManyAttemptsError,
    UnknownDestinationError,
    UnknownNameError,
    UnknownSeriesError,
    WrongStateError,
)

_STATUS: dict[type[NodeError], int] = {
    NotSignedInError: 401,
    NotAllowedError: 403,
    UnknownSeriesError: 404,
    ResultGoneError: 404,
    UnknownDestinationError: 404,
    UnknownNameError: 404,
    NameTakenError: 409,
    WrongStateError: 409,
    BadPasswordError: 422,
    TooManyAttemptsError: 429,
    PeerUnreachableError: 502,
    QueueUnavailableError: 503,
    RegistryUnavailableError: 503,
}


class Problem(BaseModel):
    """What went wrong, for machines and for people."""

    code: str = Field(examples=["unknown_series"])
    found: str
    remedy: str


def of_fault(fault: NodeError) -> tuple[int, Problem]:
    """The HTTP status and the words of a fault."""
    name = type(fault).__name__.removesuffix("Error")
    code = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return _STATUS.get(type(fault), 500), Problem(code=code, found=str(fault), remedy=fault.remedy)


def of_request(error: RequestValidationError) -> tuple[int, Problem]:
    """What is wrong with a request's parameters, all of them named."""
    lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return 422, Problem(
        code="invalid_request",
        found="; ".join(lines),
        remedy="Correct the parameters named; /docs lists what each may be.",
    )


def of_http(error: HTTPException) -> tuple[int, Problem]:
    """An HTTP error of the framework itself, such as a path that does not exist."""
    phrase = HTTPStatus(error.status_code).phrase
    return error.status_code, Problem(
        code=phrase.lower().replace(" ", "_").replace("-", "_"),
        found=phrase,
        remedy="See /docs for the addresses there are, or go back to the first page.",
    )


def of_bug() -> tuple[int, Problem]:
    """A mistake in the node itself; its trace is in the log and nowhere else."""
    return 500, Problem(
        code="bug",
        found="the node made a mistake while answering",
        remedy="Find the trace in the status page's log and report it.",
    )
