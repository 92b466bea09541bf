"""Logging in through another server by OpenID Connect: authorization code with PKCE, state and nonce."""
