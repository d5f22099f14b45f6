"""A small OpenID provider: it signs in whomever the test names, and can be told to misbehave."""

import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.responses import JSONResponse, RedirectResponse

SECRET = "the node's secret at the provider, 32 bytes"


@dataclass
class Provider:
    """The provider; ``claims`` are added to each token, or replace what stands there."""

    claims: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "Ana"})
    forged: bool = False
    by_secret: bool = False
    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    visits: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI()
        app.get("/health/live")(self.live)
        app.get("/.well-known/openid-configuration")(self.metadata)
        app.get("/keys")(lambda: {"keys": [self.key.as_dict(private=False)]})
        app.get("/authorize")(self.authorize)
        app.post("/token")(self.token)
        return app

    def live(self) -> dict[str, str]:
        return {"status": "live"}

    def metadata(self, request: Request) -> dict[str, Any]:
        root = str(request.base_url).rstrip("/")
        return {
            "issuer": self.issuer or root,
            "authorization_endpoint": f"{root}/authorize",
            "token_endpoint": f"{root}/token",
            "jwks_uri": f"{root}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }

    def authorize(self, request: Request) -> RedirectResponse:
        asked = dict(request.query_params)
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.visits)}"
        self.visits[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}")

    async def token(self, request: Request) -> JSONResponse:
        sent = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        visit = self.visits.pop(sent.get("code", ""), None)
        challenge = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        expected = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if visit is None or visit["code_challenge"] != expected:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        claims = {
            "iss": str(request.base_url).rstrip("/"),
            "aud": visit["client_id"],
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            "nonce": visit["nonce"],
            **self.claims,
        }
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(claims)}
        )

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.by_secret:
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        key = self.other_key if self.forged else self.key
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, key)
