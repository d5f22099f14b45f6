"""Signing in with an OpenID provider: the authorisation code flow with PKCE, by Authlib.

Authlib checks state, nonce, signature, issuer, audience and dates; the provider's keys are read
from its own address. What is kept between the two visits is in a signed cookie of ten minutes.
"""

import ssl
import sys
from typing import Annotated, Any, cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Query, Request
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import RedirectResponse, Response

from node import log
from node.people import Means, Visitor, new_secret, user_name
from node.status.doorkeeper import Doorkeeper
from node.status.pages import Pages
from node.status.sessions import Sessions
from node.status.sign_in import again, forget_earlier, own_path, set_cookie
from node.status.whence import Whence
from node.tls import requestor

_SIGNED_BY_THE_PROVIDER = ("RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384", "ES512")
_TRIP_S = 600
_TIMEOUT_S = 10.0
_log = log.get("status")


class ProviderError(Exception):
    """The provider does not vouch for whoever asks; the message says why."""


def cookies(doorkeeper: Doorkeeper) -> Middleware:
    """What remembers, between leaving for the provider and coming back, who left."""
    encrypted = doorkeeper.settings.tls.cert or doorkeeper.settings.proxy.addresses
    return Middleware(
        SessionMiddleware,
        secret_key=new_secret(),
        session_cookie="perfusion-node-oidc",
        max_age=_TRIP_S,
        path="/sign-in",
        same_site="lax",  # the provider's answer is a link from another site
        https_only=bool(encrypted),
    )


def router(pages: Pages, doorkeeper: Doorkeeper) -> APIRouter:
    """The way to the provider and back."""
    routes = APIRouter(include_in_schema=False)
    provider, sessions = _Provider(doorkeeper), Sessions(doorkeeper)

    def failed(request: Request, why: str) -> Response:
        stranger = Visitor(address=doorkeeper.whence(request).address)
        doorkeeper.trail.refused(stranger, "sign_in", detail=f"OpenID provider: {why}")
        wrong = f"You could not be signed in: {why}."
        return pages.sign_in(doorkeeper, wrong=wrong, status=401)

    @routes.get("/sign-in/oidc")
    async def leave(
        request: Request, following: Annotated[str, Query(alias="next", max_length=500)] = "/"
    ) -> Response:
        try:
            answer = await provider.leave(request, doorkeeper.whence(request))
        except ProviderError as fault:
            return await run_in_threadpool(failed, request, str(fault))
        request.session["next"] = own_path(following)
        return answer

    @routes.get("/sign-in/oidc/back")
    async def come_back(request: Request) -> Response:
        following = request.session.pop("next", "/")
        try:
            claims = await provider.claims(request)
        except ProviderError as fault:
            return await run_in_threadpool(failed, request, str(fault))

        def enter() -> Response:
            settings, at = doorkeeper.settings.oidc, doorkeeper.whence(request)
            name = user_name(str(claims.get(settings.name_claim, "")))
            if name is None:
                return failed(request, f"it names nobody in {settings.name_claim}")
            role = doorkeeper.role_of(name, _roles(claims, settings.roles_claim), settings.role)
            if role is None:
                return failed(request, f"{name} has no role here")
            forget_earlier(request, doorkeeper)
            known = doorkeeper.people.user(name) is not None
            visitor = Visitor(name, role, Means.OIDC, at.address)
            secret = sessions.begin(visitor, None if known else role)
            # a redirect would still be the provider's link, and carry no cookie (SameSite=Strict)
            answer = again(following)
            set_cookie(answer, doorkeeper, at, secret)
            return answer

        return await run_in_threadpool(enter)

    return routes


class _Provider:
    """Authlib's client of the provider, its faults in one word."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        settings = doorkeeper.settings.oidc
        self._issuer = settings.issuer
        secret = settings.client_secret
        verify: ssl.SSLContext = requestor(settings.tls, "status.oidc.tls")
        self._client = OAuth().register(
            "provider",
            client_id=settings.client_id,
            client_secret=secret.read() if secret else None,
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "verify": verify,
                "timeout": _TIMEOUT_S,
                "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
            },
        )

    async def leave(self, request: Request, at: Whence) -> RedirectResponse:
        """The way to the provider."""
        scheme = "https" if at.https else "http"
        back = f"{scheme}://{request.headers['host']}/sign-in/oidc/back"
        return cast(RedirectResponse, await self._asked("leave", request, back))

    async def claims(self, request: Request) -> dict[str, Any]:
        """What the provider says of whoever came back."""
        return cast(dict[str, Any], await self._asked("claims", request))

    async def _asked(self, what: str, request: Request, back: str = "") -> object:
        try:
            await self._know()
            if what == "leave":
                return await self._client.authorize_redirect(request, back)
            token = await self._client.authorize_access_token(request)
            return token["userinfo"]
        except AuthlibBaseError as fault:
            raise ProviderError(f"the provider's answer is not good ({fault.error})") from fault
        except JoseError as fault:
            raise ProviderError(f"its token is not good ({fault.error})") from fault
        except (_transport_fault(), ValueError, KeyError, TypeError, RuntimeError) as fault:
            _log.warning("provider_unavailable", fault=type(fault).__name__)
            raise ProviderError("the provider does not answer as it should") from fault

    async def _know(self) -> None:
        """Read the provider's metadata; only signatures that need its private key are taken."""
        metadata = await self._client.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self._issuer:
            raise ProviderError("its address belongs to another issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        known = [each for each in _SIGNED_BY_THE_PROVIDER if each in offered]
        metadata["id_token_signing_alg_values_supported"] = known


def _transport_fault() -> type[Exception]:
    """What is raised of a connection: by httpx, or by httpx2 where Authlib finds that."""
    client = next(c for c in AsyncOAuth2Client.__mro__ if c.__name__ == "AsyncClient")
    return cast(type[Exception], sys.modules[client.__module__].HTTPError)


def _roles(claims: dict[str, Any], claim: str) -> str:
    told = claims.get(claim, "") if claim else ""
    return " ".join(map(str, told)) if isinstance(told, list) else str(told)
