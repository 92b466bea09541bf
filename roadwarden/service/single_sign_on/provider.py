"""The other server: where it is, its keys, and a code for tokens. What it says is checked before it counts."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc.jwk import KeySet

from roadwarden.service.integrations.fields import MISSING, look
from roadwarden.service.single_sign_on.pending import Pending, SignOnFailed
from roadwarden.service.single_sign_on.settings import LOOPBACK, SignOnSettings
from roadwarden.service.single_sign_on.tokens import claims_of, keys_of
from roadwarden.settings import read_secret

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
LARGEST_ANSWER: Final = 512 * 1024
KEYS_ANEW_S: Final = 30.0
"""Keys are fetched again when a token fits none of them, but not more often: a rotation is seen at the next login."""
DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass(slots=True)
class Provider:
    """Asked from several threads; ``client`` does not follow redirects."""

    settings: SignOnSettings
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_S, follow_redirects=False))
    monotonic: Callable[[], float] = time.monotonic
    _about: Mapping[str, Any] | None = None
    _keys: KeySet | None = None
    _keys_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(self, pending: Pending, back_to: str) -> str:
        """Where the browser is sent. Raises SignOnFailed where the server does not answer."""
        digest = hashlib.sha256(pending.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back_to,
            "scope": " ".join(self.settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        place = self._place("authorization_endpoint")
        return place + ("&" if urlsplit(place).query else "?") + urlencode(asked)

    def claims(self, pending: Pending, answer: Mapping[str, str], back_to: str, now: datetime) -> dict[str, Any]:
        """Who came back with this answer. Raises SignOnFailed."""
        if not secrets.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise SignOnFailed("this login did not begin in this browser; begin again")
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise SignOnFailed("another login server has answered")
        if error := answer.get("error"):
            raise SignOnFailed(f"the login server says no: {error[:80]}")
        tokens = self._tokens(answer.get("code", ""), pending, back_to)
        claims = self._checked(str(tokens.get("id_token", "")), pending.nonce, now)
        return self._with_groups(claims, str(tokens.get("access_token", "")))

    def _tokens(self, code: str, pending: Pending, back_to: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back_to,
            "code_verifier": pending.verifier,
        }
        headers = {}
        place = self.settings.client_secret
        if place is None:
            form["client_id"] = self.settings.client_id
        elif "client_secret_post" in self._methods():
            form |= {"client_id": self.settings.client_id, "client_secret": read_secret(place.env, place.file)}
        else:
            both = f"{quote(self.settings.client_id, safe='')}:{quote(read_secret(place.env, place.file), safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
        return self._json("POST", self._place("token_endpoint"), data=form, headers=headers)

    def _methods(self) -> list[str]:
        """Ways to say who we are, where Basic, which every server has to know, is not among them."""
        listed = self.about().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return [] if "client_secret_basic" in listed else list(listed)

    def _checked(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        keys, fetched_at = self._known_keys()
        try:
            return claims_of(token, keys, self.settings, nonce, now)
        except SignOnFailed:
            if self.monotonic() - fetched_at < KEYS_ANEW_S:
                raise
            logger.info(
                "a token of %s fits none of the keys that are known; they are fetched again", self.settings.issuer
            )
            return claims_of(token, self._new_keys(), self.settings, nonce, now)

    def _with_groups(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Servers that keep ID tokens small tell groups when they are asked."""
        place = self.about().get("userinfo_endpoint")
        if look(claims, self.settings.groups) is not MISSING or not place or not access_token:
            return claims
        told = self._json("GET", self._place("userinfo_endpoint"), headers={"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != claims["sub"]:
            raise SignOnFailed("the login server told of somebody else")
        return {**told, **claims}

    def about(self) -> Mapping[str, Any]:
        """What the server says of itself. Raises SignOnFailed where it is not the one of the file."""
        with self._lock:
            if self._about is None:
                about = self._json("GET", self.settings.issuer.rstrip("/") + DISCOVERY)
                if about.get("issuer") != self.settings.issuer:
                    raise SignOnFailed(f"{self.settings.issuer} says that it is '{about.get('issuer')}'")
                self._about = about
            return self._about

    def _known_keys(self) -> tuple[KeySet, float]:
        with self._lock:
            if self._keys is not None:
                return self._keys, self._keys_at
        return self._new_keys(), self.monotonic()

    def _new_keys(self) -> KeySet:
        keys = keys_of(self._json("GET", self._place("jwks_uri")))
        with self._lock:
            self._keys, self._keys_at = keys, self.monotonic()
        return keys

    def _place(self, name: str) -> str:
        place = str(self.about().get(name, ""))
        parts = urlsplit(place)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise SignOnFailed(f"the login server has no {name} that is https")
        return place

    def _json(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        try:
            with self.client.stream(method, url, **more) as response:
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise SignOnFailed("the login server's answer is too large")
            content = json.loads(body) if response.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
            raise SignOnFailed(f"the login server does not answer as it should: {type(exc).__name__}") from exc
        if not isinstance(content, dict):
            raise SignOnFailed(f"the login server answered {response.status_code} at {urlsplit(url).path}")
        return content
