"""A login server that checks what a client sends (PKCE, secret, one use of a code) and can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

SECRET = "the secret of the client"
KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two"})
NOT_FOR_US = ({"kty": "future", "kid": "x"}, {"kty": "RSA", "use": "enc", "n": "", "e": ""})


@dataclass
class LoginServer:
    """What it knows, and what it has been asked."""

    now: Callable
    keys: list = field(default_factory=lambda: [KEY])
    claims: dict = field(default_factory=dict)
    told_when_asked: dict = field(default_factory=dict)  # by userinfo
    lies: dict = field(default_factory=dict)  # instead of what is true, in the ID token
    about: dict = field(default_factory=dict)  # instead of what is true, in the discovery document
    algorithm: str = "RS256"
    sign_with: object = None
    issuer: str = ""
    codes: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def code_for(self, address):
        """What a person does at its pages: logs in and agrees. Returns the query that leads back."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def tokens(self, form, authorization):
        begun = self.codes.pop(form.get("code"), None)
        if begun is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        right = challenge == begun["code_challenge"] and form["redirect_uri"] == begun["redirect_uri"]
        if not right or (name, secret) != ("roadwarden", SECRET.replace(" ", "%20")):
            return 401, {"error": "invalid_client"}
        now = int(self.now().timestamp())
        claims = {"iss": self.issuer, "aud": "roadwarden", "iat": now, "exp": now + 300, "nonce": begun["nonce"]}
        claims = {name: one for name, one in (claims | self.claims | self.lies).items() if one is not None}
        key = self.sign_with or self.keys[0]
        header = {"alg": self.algorithm, "kid": key.kid or "one"}
        token = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return 200, {"access_token": "opens userinfo", "token_type": "Bearer", "id_token": token}

    def answer(self, path, form, authorization):
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            found = {name: f"{self.issuer}/{place}" for name, place in places.items()}
            found |= {"issuer": self.issuer, "userinfo_endpoint": f"{self.issuer}/userinfo"}
            return 200, found | self.about
        if path == "/keys":
            listed = [key.as_dict(private=False) for key in self.keys]
            return 200, {
                "keys": [*listed, {"kty": "future", "kid": "x"}, {"kty": "RSA", "use": "enc", "n": "", "e": ""}]
            }
        if path == "/userinfo":
            return (200, self.told_when_asked) if authorization == "Bearer opens userinfo" else (401, {})
        return self.tokens(form, authorization) if path == "/token" else (404, {})


@contextmanager
def login_server(now):
    server = LoginServer(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer({})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form):
            status, content = server.answer(self.path, form, self.headers.get("Authorization", ""))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.issuer = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
