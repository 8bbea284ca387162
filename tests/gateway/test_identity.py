"""Encryption of what identifies a patient."""

import pytest
from cryptography.fernet import Fernet

from gateway.identity import IdentityCipher, IdentityUnreadableError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_identity_is_unreadable_without_its_key() -> None:
    token = IdentityCipher.from_setting(OLD).encrypt("Doe^Jane")
    assert b"Doe" not in token
    assert IdentityCipher.from_setting(OLD).decrypt(token) == "Doe^Jane"
    with pytest.raises(IdentityUnreadableError):
        IdentityCipher.from_setting(NEW).decrypt(token)


def test_keys_rotate_without_losing_what_is_stored() -> None:
    token = IdentityCipher.from_setting(OLD).encrypt("Doe^Jane")
    rotated = IdentityCipher.from_setting(f"{NEW}, {OLD}").rotate(token)
    assert IdentityCipher.from_setting(NEW).decrypt(rotated) == "Doe^Jane"


def test_changed_byte_is_noticed() -> None:
    cipher = IdentityCipher.from_setting(NEW)
    token = bytearray(cipher.encrypt("Doe^Jane"))
    token[20] ^= 1
    with pytest.raises(IdentityUnreadableError):
        cipher.decrypt(bytes(token))


@pytest.mark.parametrize("setting", ["", "not a key", ","])
def test_setting_without_a_usable_key_is_refused(setting: str) -> None:
    with pytest.raises(ValueError):
        IdentityCipher.from_setting(setting)
