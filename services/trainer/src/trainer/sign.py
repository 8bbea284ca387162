"""Sign a model: say, with a key, that this installation releases it (docs/decisions/0081)."""

import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from model_signing import signing

from trainer.errors import TrainerError


class SigningKeyError(TrainerError):
    """This is not a key that models can be signed with."""


def sign_manifest(manifest: Path, private_key: str, signature: Path) -> None:
    """Write the signature of a manifest, as ``ictus.model.signature`` checks it.

    Args:
        manifest: ``manifest.json``, whose digests cover the rest of the directory.
        private_key: unencrypted PEM of a P-256 key.
        signature: the file to write.

    Raises:
        SigningKeyError: the key is not such a PEM.
    """
    _load(private_key)
    with tempfile.TemporaryDirectory() as folder:  # mode 0700; model-signing takes keys by path
        key = Path(folder) / "key.pem"
        key.touch(mode=0o600)
        key.write_text(private_key, encoding="ascii")
        signer = signing.Config().use_elliptic_key_signer(private_key=key)
    signer.sign(manifest, signature)


def public_key_of(private_key: str) -> str:
    """The PEM public key that belongs to a PEM private key.

    Raises:
        SigningKeyError: the key is not an unencrypted PEM of a P-256 key.
    """
    public = _load(private_key).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _load(private_key: str) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError) as error:  # TypeError: the key is encrypted
        raise SigningKeyError("The signing key is not an unencrypted PEM private key.") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SigningKeyError("The signing key must be a P-256 (prime256v1) key.")
    return key
