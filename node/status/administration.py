"""The API of users, API tokens and the audit trail, and of one's own password."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from node.errors import NotAllowedError
from node.passwords import new_hash
from node.people import Means, Role, Visitor, digest, new_secret, user_name
from node.ports import AuditQuestion, AuditResult, TokenRecord
from node.status.doorkeeper import Doorkeeper
from node.status.problems import Problem
from node.status.sessions import Sessions
from node.status.visit import audited, require

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,63}$", description="a name")]
Administrator = Annotated[Visitor, require(Role.ADMINISTRATOR)]
_NewName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$")]
_Password = Annotated[str, Field(max_length=256)]


class UserView(BaseModel):
    """Somebody who may use the page."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    role: Role
    has_password: bool
    created_at: datetime
    password_at: datetime | None
    signed_in_at: datetime | None


class TokenView(BaseModel):
    """An API token; its secret is not kept."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


class AuditView(BaseModel):
    """Who did what, on what, when, from where, and what came of it."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    at: datetime
    who: str
    means: Means
    address: str
    what: str
    subject: str
    result: AuditResult
    detail: str


class NewUser(BaseModel):
    """A user to be; without a password, somebody whom a proxy or OpenID provider signs in."""

    name: _NewName
    role: Role
    password: _Password = ""


class NewRole(BaseModel):
    """Another role."""

    role: Role


class NewPassword(BaseModel):
    """Another password."""

    password: _Password


class OwnPassword(BaseModel):
    """Another password, and the one until now."""

    present: _Password
    password: _Password


class NewToken(BaseModel):
    """An API token to be."""

    name: _NewName
    role: Role = Role.VIEWER
    days: Annotated[int, Field(ge=1, le=3650)] = 90


class Question(BaseModel):
    """Which entries of the audit trail are asked for; an empty word asks for all."""

    who: Annotated[str, Field(max_length=64, description="a user's or token's name")] = ""
    what: Annotated[str, Field(max_length=64, description="a word such as retry")] = ""
    subject: Annotated[str, Field(max_length=500, description="a series, user or path")] = ""
    result: AuditResult | None = None
    before: Annotated[int, Field(ge=0, le=2**31 - 1, description="only older entries")] = 0
    limit: Annotated[int, Field(ge=1, le=1000, description="how many at most")] = 200

    def asked(self) -> AuditQuestion:
        """The question as the registry takes it."""
        return AuditQuestion(**dict(self))


class Said(BaseModel):
    """What came of it, in words."""

    words: str


class NewTokenSaid(Said):
    """A token, shown this once."""

    token: str


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in (*statuses, 401, 403, 422, 503)}


def router(doorkeeper: Doorkeeper) -> APIRouter:
    """The routes below /api that see to people."""
    routes = APIRouter(prefix="/api", responses=_problems())
    _add_users(routes, doorkeeper)
    _add_roles_and_passwords(routes, doorkeeper)
    _add_tokens(routes, doorkeeper)
    _add_audit(routes, doorkeeper)
    return routes


def _add_users(routes: APIRouter, doorkeeper: Doorkeeper) -> None:
    people = doorkeeper.people

    @routes.get("/users", tags=["people"], dependencies=[require(Role.ADMINISTRATOR)])
    def users() -> list[UserView]:
        """Everybody who may use the page."""
        return [UserView.model_validate(user) for user in people.users()]

    @routes.post("/users", responses=_problems(400, 409), tags=["people"])
    def add_user(new: NewUser, request: Request, visitor: Administrator) -> Said:
        """Adds a user."""
        name = user_name(new.name) or new.name
        with audited(request, visitor, "add_user", name, str(new.role)):
            kept = new_hash(new.password, name) if new.password else None
            people.add_user(name, new.role, kept, doorkeeper.now())
        return Said(words=f"{name} is {new.role} now.")

    @routes.post("/users/{name}/remove", responses=_problems(404), tags=["people"])
    def remove_user(name: Name, request: Request, visitor: Administrator) -> Said:
        """Removes a user, and ends their sessions."""
        with audited(request, visitor, "remove_user", name):
            _refuse_oneself(visitor, name)
            people.remove_user(name)
        return Said(words=f"{name} may not sign in any more.")


def _add_roles_and_passwords(routes: APIRouter, doorkeeper: Doorkeeper) -> None:
    people, sessions = doorkeeper.people, Sessions(doorkeeper)

    @routes.post("/users/{name}/role", responses=_problems(400, 404), tags=["people"])
    def set_role(name: Name, new: NewRole, request: Request, visitor: Administrator) -> Said:
        """Gives a user another role."""
        with audited(request, visitor, "set_role", name, str(new.role)):
            _refuse_oneself(visitor, name)
            people.set_role(name, new.role)
        return Said(words=f"{name} is {new.role} now.")

    @routes.post("/users/{name}/password", responses=_problems(400, 404), tags=["people"])
    def set_password(
        name: Name, new: NewPassword, request: Request, visitor: Administrator
    ) -> Said:
        """Gives a user another password, and ends their sessions."""
        with audited(request, visitor, "set_password", name):
            people.set_password(name, new_hash(new.password, name), doorkeeper.now())
        return Said(words=f"{name} has a new password; every session of theirs has ended.")

    @routes.post("/account/password", responses=_problems(400, 429), tags=["people"])
    def own_password(
        new: OwnPassword, request: Request, visitor: Annotated[Visitor, require(Role.VIEWER)]
    ) -> Said:
        """Gives oneself another password; every other session of one's own ends."""
        if visitor.means is not Means.PASSWORD:
            raise NotAllowedError(
                "whoever asks did not sign in with a password of the node's",
                "Change it where you signed in; an administrator sets other people's.",
            )
        at = doorkeeper.whence(request)
        with audited(request, visitor, "set_password", visitor.name):
            sessions.require_password(visitor.name, new.present, at)
            kept = new_hash(new.password, visitor.name)
            secret = request.cookies.get(doorkeeper.cookie_name(at), "")
            people.set_password(visitor.name, kept, doorkeeper.now(), keep_session=digest(secret))
        return Said(words="The new password holds; your other sessions have ended.")


def _add_tokens(routes: APIRouter, doorkeeper: Doorkeeper) -> None:
    people = doorkeeper.people

    @routes.get("/tokens", tags=["people"], dependencies=[require(Role.ADMINISTRATOR)])
    def tokens() -> list[TokenView]:
        """Every API token, those that are over too."""
        return [TokenView.model_validate(token) for token in people.tokens()]

    @routes.post("/tokens", responses=_problems(400, 409), tags=["people"])
    def add_token(new: NewToken, request: Request, visitor: Administrator) -> NewTokenSaid:
        """Makes an API token; it is shown this once."""
        name, secret, now = user_name(new.name) or new.name, new_secret("pn_"), doorkeeper.now()
        ends = now + timedelta(days=new.days)
        token = TokenRecord(name, new.role, visitor.name, now, ends, None, None)
        with audited(request, visitor, "add_token", name, f"{new.role}, {new.days} d"):
            people.add_token(digest(secret), token)
        words = f"The token {name}, good until {ends:%Y-%m-%d}, is shown this once: {secret}"
        return NewTokenSaid(words=words, token=secret)

    @routes.post("/tokens/{name}/revoke", responses=_problems(404), tags=["people"])
    def revoke_token(name: Name, request: Request, visitor: Administrator) -> Said:
        """Makes an API token worthless."""
        with audited(request, visitor, "revoke_token", name):
            people.revoke_token(name, doorkeeper.now())
        return Said(words=f"The token {name} opens nothing any more.")


def _add_audit(routes: APIRouter, doorkeeper: Doorkeeper) -> None:
    @routes.get("/audit", tags=["people"], dependencies=[require(Role.ADMINISTRATOR)])
    def audit(question: Annotated[Question, Query()]) -> list[AuditView]:
        """The audit trail, the newest entry first; for the next page: before=NUMBER."""
        found = doorkeeper.trail.entries(question.asked())
        return [AuditView.model_validate(entry) for entry in found]


def _refuse_oneself(visitor: Visitor, name: str) -> None:
    """Nothing, unless somebody takes their own way in away, which nobody else might have."""
    if visitor.name == name and visitor.means is not Means.TOKEN:
        raise NotAllowedError(
            "administrators do not remove themselves, nor take their own role away",
            "Ask another administrator, or do it on the node's own machine.",
        )
