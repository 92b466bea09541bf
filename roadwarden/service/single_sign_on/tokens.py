"""ID tokens: what of them counts (OpenID Connect Core 3.1.3.7). Pure: keys, nonce and time come in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from roadwarden.service.single_sign_on.pending import SignOnFailed
from roadwarden.service.single_sign_on.settings import SignOnSettings

LEEWAY_S: Final = 60
LONGEST_TOKEN: Final = 64 * 1024
_SIGNING: Final = frozenset({"RSA", "EC", "OKP"})


def keys_of(document: Mapping[str, Any]) -> KeySet:
    """The public keys that sign, of a JWK set; keys for encryption and of kinds that we do not know are passed over.

    Raises SignOnFailed where none is left.
    """
    listed = document.get("keys")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    usable = [one for one in found if one.get("kty") in _SIGNING and one.get("use", "sig") == "sig"]
    if not usable:
        raise SignOnFailed("the login server shows no key that signs")
    try:
        return KeySet.import_key_set({"keys": [*usable]})
    except (JoseError, ValueError, KeyError, TypeError) as exc:
        raise SignOnFailed(f"the keys of the login server cannot be read: {exc}") from exc


def claims_of(token: str, keys: KeySet, settings: SignOnSettings, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of a token that is signed, meant for us, of this login and of this hour. Raises SignOnFailed."""
    if len(token) > LONGEST_TOKEN:
        raise SignOnFailed("the ID token is too large")
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": settings.issuer},
        aud={"essential": True, "value": settings.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=[one.value for one in settings.algorithms]).claims
        rules.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as exc:
        raise SignOnFailed(f"the ID token does not count: {type(exc).__name__}: {exc}") from exc
    party = claims.get("azp")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several and party is None) or (party is not None and party != settings.client_id):
        raise SignOnFailed("the ID token was made for another client")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise SignOnFailed("the ID token does not name anybody")
    return dict(claims)
