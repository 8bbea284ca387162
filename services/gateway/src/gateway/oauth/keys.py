"""A client's public keys: which are taken, and what they verify."""

from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from gateway.oauth.errors import KeysRefusedError

ALGORITHMS: Final = ("RS384", "ES384")
"""What SMART App Launch 2.2 asks servers to understand ("Client Authentication: Asymmetric")."""

_MOST_KEYS: Final = 10
_RSA_BITS: Final = 2048
_SHOWN: Final = frozenset({"kty", "kid", "use", "alg", "key_ops", "n", "e", "crv", "x", "y"})


def registered_keys(document: dict[str, Any]) -> dict[str, Any]:
    """The key document as it is stored: public parts only.

    Args:
        document: a JSON Web Key Set (RFC 7517).

    Raises:
        KeysRefusedError: it holds no usable key, a private one, one without or with another's ``kid``, or a weak one.
    """
    keys = document.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        raise KeysRefusedError(f"The document must have a list 'keys' of 1 to {_MOST_KEYS} keys.")
    if not all(isinstance(key, dict) for key in keys):
        raise KeysRefusedError("Each of 'keys' must be a JSON object.")
    names = [key.get("kid") for key in keys]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise KeysRefusedError("Each key must have a 'kid' of its own.")
    for key in keys:
        if "d" in key or key.get("kty") == "oct":
            raise KeysRefusedError(
                "The document holds a secret key. Send the public part only, and make a new key: this one is known now."
            )
        _check_strength(key)
    return {"keys": [{name: key[name] for name in key if name in _SHOWN} for key in keys]}


def verification_key(document: dict[str, Any], kid: str, algorithm: str) -> RSAKey | ECKey | None:
    """The registered key of this name that can verify this algorithm, if there is one."""
    for key in document["keys"]:
        if key["kid"] == kid and key.get("alg", algorithm) == algorithm:
            wanted = "RSA" if algorithm == "RS384" else "EC"
            return _import(key) if key["kty"] == wanted else None
    return None


def _check_strength(key: dict[str, Any]) -> None:
    try:
        imported = _import(key)
    except (JoseError, ValueError, TypeError, KeyError):
        raise KeysRefusedError(f"The key '{str(key['kid'])[:80]}' cannot be read.") from None
    if isinstance(imported, RSAKey) and imported.public_key.key_size < _RSA_BITS:
        raise KeysRefusedError(f"An RSA key must have {_RSA_BITS} bits or more.")
    if isinstance(imported, ECKey) and key.get("crv") != "P-384":
        raise KeysRefusedError("An elliptic key must be one of the curve P-384, for ES384.")


def _import(key: dict[str, Any]) -> RSAKey | ECKey:
    (imported,) = KeySet.import_key_set({"keys": [key]}).keys
    if not isinstance(imported, RSAKey | ECKey):
        raise TypeError(key["kty"])
    return imported
