"""The login server that vouches for people, as the server and ``roadwarden user link`` know it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roadwarden.errors import MissingExtra
from roadwarden.settings import read_secret

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from roadwarden.service.single_sign_on.door import Door


def door_of(file: Path, engine: Engine) -> Door:
    """Raises ConfigError for a file or secret that cannot be used, MissingExtra without httpx and joserfc."""
    from roadwarden.service.single_sign_on.accounts import SignOn
    from roadwarden.service.single_sign_on.settings import read_sign_on

    settings = read_sign_on(file)
    if settings.client_secret is not None:
        read_secret(settings.client_secret.env, settings.client_secret.file)
    try:
        from roadwarden.service.single_sign_on.door import Door
        from roadwarden.service.single_sign_on.provider import Provider
    except ModuleNotFoundError as exc:
        raise MissingExtra(f"single sign-on needs {exc.name}: pip install 'roadwarden[oidc]'") from exc
    return Door(Provider(settings), SignOn(engine, settings))
