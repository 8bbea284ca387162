"""Encryption of what identifies a patient, before it reaches the database."""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ictus.domain.errors import IctusError


class IdentityUnreadableError(IctusError):
    """No key at hand opens the stored identity."""

    code = "identity_unreadable"
    title = "The stored patient identity cannot be opened. An administrator must check the identity keys."


class IdentityCipher:
    """Encrypts short texts with the newest key and opens them with any key (Fernet: AES-128-CBC and HMAC).

    To rotate: put a new key first, run ``rotate`` over the rows, drop the old key.

    Args:
        keys: Fernet keys (``Fernet.generate_key``), newest first.

    Raises:
        ValueError: no key, or one that is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def from_setting(cls, setting: str) -> "IdentityCipher":
        """From keys separated by commas, newest first."""
        return cls([key.strip() for key in setting.split(",") if key.strip()])

    def encrypt(self, text: str) -> bytes:
        """Encrypt a text; the same text gives other bytes each time."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, token: bytes) -> str:
        """Open what ``encrypt`` made. Raises ``IdentityUnreadableError``."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken:
            raise IdentityUnreadableError from None

    def rotate(self, token: bytes) -> bytes:
        """Encrypt again with the newest key, keeping the time of the first. Raises ``IdentityUnreadableError``."""
        try:
            return self._fernet.rotate(token)
        except InvalidToken:
            raise IdentityUnreadableError from None
