"""Who asks, and whether they may: sessions, API tokens, a proxy's word, or an open page."""

from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.requests import Request

from node.errors import NotAllowedError, NotSignedInError, SettingsError
from node.people import Expiry, Means, Role, Visitor, csrf_of, digest, new_secret, same, user_name
from node.ports import AuditTrail, People
from node.settings import StatusSettings
from node.status.guard import SAFE_METHODS
from node.status.probes import utc_now
from node.status.trail import Trail
from node.status.whence import Whence, is_loopback, networks, whence

COOKIE = "perfusion-node"
CSRF_HEADER = "x-csrf-token"
_NOTED_EVERY = timedelta(minutes=1)
_BY_BROWSER = frozenset({Means.PASSWORD, Means.OIDC, Means.PROXY})
_NO_SIGN_IN = (
    "Make a user on the node's own machine: perfusion-node users add NAME --role administrator; "
    "or set status.proxy or status.oidc; or keep status.host 127.0.0.1; or, if whoever reaches "
    "that address may use the page, set status.open_to_all = true."
)


class Doorkeeper:
    """Who asks something of the page, and whether they may.

    Parameters
    ----------
    people, trail
        Users, sessions and tokens, and where everything that is asked is kept.
    settings
        Of the page.
    now
        The clock, UTC.
    """

    def __init__(
        self,
        people: People,
        trail: AuditTrail,
        settings: StatusSettings,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.people = people
        self.trail = Trail(trail, now)
        self.settings = settings
        self.now = now
        self.expiry = Expiry(
            timedelta(minutes=settings.idle_minutes), timedelta(hours=settings.session_hours)
        )
        self._proxies = networks(settings.proxy.addresses)
        self._own_secret = new_secret()

    def require_a_way_in(self) -> None:
        """Nothing, if somebody can sign in, or sign-in is not needed.

        Raises
        ------
        SettingsError
            If others than this machine reach the page and nobody could sign in.
        """
        settings = self.settings
        if self._may_be_open or settings.proxy.signs_in or settings.oidc.signs_in:
            return
        if not self.people.has_users():
            raise SettingsError(
                f"status.host {settings.host} is reached from other machines, and there is no user",
                _NO_SIGN_IN,
            )

    @property
    def is_open(self) -> bool:
        """Whether the page is used without sign-in, because there is nobody who could."""
        settings = self.settings
        others = settings.proxy.signs_in or settings.oidc.signs_in
        return self._may_be_open and not others and not self.people.has_users()

    @property
    def _may_be_open(self) -> bool:
        return self.settings.open_to_all or is_loopback(self.settings.host)

    def whence(self, request: Request) -> Whence:
        """From where a request came."""
        return whence(request, self._proxies)

    def admit(self, request: Request, role: Role, csrf: str = "") -> Visitor:
        """Who asks, if they may do what that role may.

        Parameters
        ----------
        csrf
            The CSRF token that came with the request.

        Raises
        ------
        NotSignedInError
            If it is not known who asks.
        NotAllowedError
            If their role does not reach, or another page asks in their name.
        """
        visitor = self.visitor(request)
        if visitor.role is None and visitor.name:
            self._refuse(visitor, request, f"{visitor.name} has no role")
            raise NotAllowedError(f"{visitor.name} is known and has no role here")
        if visitor.role is None:
            if not is_page(request):
                self._refuse(visitor, request, "not signed in")
            raise NotSignedInError("nobody is signed in")
        if not visitor.may(role):
            who = visitor.name or "whoever asks"
            found = f"the role {role} is needed, and {who} has {visitor.role}"
            self._refuse(visitor, request, found)
            raise NotAllowedError(found)
        changes = request.method not in SAFE_METHODS
        if changes and visitor.means in _BY_BROWSER and not same(visitor.csrf, csrf):
            self._refuse(visitor, request, "the CSRF token is missing or wrong")
            raise NotAllowedError(
                "the request does not carry the page's CSRF token",
                "Load the page again; a script sends an API token instead of the page's cookie.",
            )
        return visitor

    def visitor(self, request: Request) -> Visitor:
        """Who asks; somebody without a role where that is not known.

        Raises
        ------
        NotSignedInError
            If an API token is sent that is not good.
        NotAllowedError
            If somebody pretends to be the proxy.
        """
        at = self.whence(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._of_token(request, secret.strip(), at)
        proxied = self._of_proxy(request, at)
        return proxied or self._of_session(request, at) or self._of_open_page(request, at)

    def cookie_name(self, at: Whence) -> str:
        """The session cookie's name; browsers take ``__Host-`` over https alone (RFC 6265bis)."""
        return f"__Host-{COOKIE}" if at.https else COOKIE

    def csrf_for(self, name: str) -> str:
        """The CSRF token of somebody who has no session of the node's own."""
        return csrf_of(self._own_secret, name)

    def role_of(self, name: str, claimed: str, otherwise: Role | None) -> Role | None:
        """The role of somebody for whom another vouches: the registry's, the claimed, or that."""
        if user := self.people.user(name):
            return user.role
        roles = [role for role in Role if role in claimed.lower().replace(",", " ").split()]
        return roles[-1] if roles else otherwise

    def _of_token(self, request: Request, secret: str, at: Whence) -> Visitor:
        found = self.people.token(digest(secret))
        now = self.now()
        if found is None or not found.is_good(now):
            name = found.name if found else ""
            why = f"the API token {name} is over" if found else "the API token is unknown"
            self._refuse(Visitor(name, None, Means.TOKEN, at.address), request, why)
            raise NotSignedInError(why, "Ask an administrator of the node for a new token.")
        if found.used_at is None or now - found.used_at >= _NOTED_EVERY:
            self.people.use_token(found.name, now)
        return Visitor(found.name, found.role, Means.TOKEN, at.address)

    def _of_proxy(self, request: Request, at: Whence) -> Visitor | None:
        header = self.settings.proxy.user_header
        told = request.headers.getlist(header) if header else []
        if not told:
            return None
        name = user_name(told[0]) if len(told) == 1 else None
        if not at.by_proxy or name is None:
            found = f"the header {header} came from {at.peer}, which is no proxy of the node's"
            if at.by_proxy:
                found = f"the header {header} does not name one user"
            self._refuse(Visitor(address=at.address), request, found)
            raise NotAllowedError(found, "Go through the proxy; see status.proxy in the settings.")
        role_header = self.settings.proxy.role_header
        claimed = request.headers.get(role_header, "") if role_header else ""
        role = self.role_of(name, claimed, self.settings.proxy.role)
        return Visitor(name, role, Means.PROXY, at.address, self.csrf_for(name))

    def _of_session(self, request: Request, at: Whence) -> Visitor | None:
        secret = request.cookies.get(self.cookie_name(at), "")
        kept = self.people.session(digest(secret)) if secret else None
        if kept is None:
            return None
        now = self.now()
        user = self.people.user(kept.name)
        role = user.role if user else kept.role
        if self.expiry.is_over(kept.began_at, kept.used_at, now) or role is None:
            self.people.end_session(digest(secret))
            return None
        if now - kept.used_at >= _NOTED_EVERY and _is_a_person(request):
            self.people.use_session(digest(secret), now)
        return Visitor(kept.name, role, kept.means, at.address, csrf_of(secret))

    def _of_open_page(self, request: Request, at: Whence) -> Visitor:
        if not self.is_open:
            return Visitor(address=at.address)
        if at.forwarded or not (at.is_this_machine or self.settings.open_to_all):
            found = "the request came through a proxy, and sign-in is off"
            self._refuse(Visitor(address=at.address), request, found)
            raise NotAllowedError(found, _NO_SIGN_IN)
        return Visitor("", Role.OPERATOR, Means.OPEN, at.address)

    def guarded(self, request: Request, why: str) -> None:
        """Note what the guard refused before anybody was asked who they are."""
        self._refuse(Visitor(address=self.whence(request).address), request, why)

    def _refuse(self, visitor: Visitor, request: Request, why: str) -> None:
        self.trail.refused(visitor, "request", f"{request.method} {request.url.path}", why)


def is_page(request: Request) -> bool:
    """Whether a person's browser asks for a page: it is answered by one to sign in on."""
    path = request.url.path
    for_programs = path.startswith(("/api", "/openapi.json", "/live"))
    return request.method in SAFE_METHODS and not for_programs


def _is_a_person(request: Request) -> bool:
    """Whether a person asks, and not the page by itself to stay live (Fetch Metadata)."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    return mode == "navigate" or request.method not in SAFE_METHODS
