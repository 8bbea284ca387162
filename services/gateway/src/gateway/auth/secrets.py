"""Passwords, session tokens, CSRF tokens and API keys: how they are made, stored and checked."""

import hashlib
import hmac
import secrets
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.auth.errors import PasswordRefusedError

API_KEY_PREFIX: Final = "ictus_"
ACCESS_TOKEN_PREFIX: Final = "ictusat_"  # noqa: S105  what secret scanners know it by
PASSWORD_MINIMUM: Final = 12
PASSWORD_MAXIMUM: Final = 128

_ONE_TIME_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on a note

# argon2id, RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes
_hasher: Final = PasswordHasher()
_hashing: Final = BoundedSemaphore(4)  # a flood of sign-ins must not take 64 MiB for each thread


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters."""
    with _hashing:
        return _hasher.hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Check a password.

    Args:
        password: as sent.
        password_hash: as stored; None for an unknown user, which takes as long and is always False.
    """
    try:
        with _hashing:
            matches = _hasher.verify(password_hash or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def hash_is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_new_password(password: str, *, email: str, name: str) -> None:
    """Raise ``PasswordRefusedError`` when a new password is too easy to guess.

    Length decides (NIST SP 800-63B 5.1.1.2); composition rules are not imposed.
    """
    if not PASSWORD_MINIMUM <= len(password) <= PASSWORD_MAXIMUM:
        raise PasswordRefusedError(
            f"A password has {PASSWORD_MINIMUM} to {PASSWORD_MAXIMUM} characters; a few words do well."
        )
    lowered = password.lower()
    own_words = [email.split("@", maxsplit=1)[0].lower(), *name.lower().split(), "ictus"]
    for word in own_words:
        if len(word) >= 4 and len(lowered.replace(word, "")) < PASSWORD_MINIMUM // 2:
            raise PasswordRefusedError("Please choose a password that is not made of your name or address.")
    if len(set(lowered)) < 6:
        raise PasswordRefusedError("Please choose a password with more different characters.")


def new_one_time_password() -> str:
    """A password for one sign-in: four groups of five, 98 bits, easy to read aloud."""
    return "-".join("".join(secrets.choice(_ONE_TIME_ALPHABET) for _ in range(5)) for _ in range(4))


def new_session_token() -> str:
    """A session token of 256 bits."""
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    """An API key: a fixed prefix that secret scanners know, and 256 bits."""
    return API_KEY_PREFIX + secrets.token_urlsafe(32)


def new_access_token() -> str:
    """An OAuth access token: a prefix of its own, and 256 bits."""
    return ACCESS_TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a session token, API key or access token. They are random, so a plain SHA-256 keeps them."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(session_token: str) -> str:
    """The CSRF token of a session: who cannot read the HttpOnly cookie cannot derive it, and nothing is stored."""
    return hmac.new(session_token.encode(), b"ictus csrf", hashlib.sha256).hexdigest()


def csrf_token_matches(sent: str | None, session_token: str) -> bool:
    """Compare in constant time."""
    return sent is not None and hmac.compare_digest(sent.encode(), csrf_token(session_token).encode())


@lru_cache(maxsize=1)
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
