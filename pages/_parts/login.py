"""Streamlit's own login, OIDC, where the operator has set it up in Streamlit's secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from streamlit.auth_util import get_cookie_with_chunks, get_secrets_auth_section, is_authlib_installed
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

COOKIE = "_streamlit_user"
"""The cookie in which Streamlit keeps who has logged in, signed."""


def login_is_set_up() -> bool:
    """Returns whether the secrets have a section on logging in, and the library for it is there."""
    return bool(get_secrets_auth_section()) and is_authlib_installed()


def find_login(cookies: Mapping[str, str]) -> str | None:
    """Returns a name for who has logged in, made of the issuer and its `sub`; None for nobody."""
    secret = get_cookie_secret()

    def read(name: str) -> bytes | None:
        return decode_signed_value(secret, name, cookies[name].encode("latin-1")) if name in cookies else None

    try:
        said = json.loads(get_cookie_with_chunks(read, COOKIE) or b"{}")
    except ValueError:
        return None
    if not isinstance(said, dict) or not said.get("is_logged_in") or not said.get("sub"):
        return None
    return "login-" + hashlib.sha256(f"{said.get('iss', '')} {said['sub']}".encode()).hexdigest()[:32]
