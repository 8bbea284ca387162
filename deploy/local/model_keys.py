"""A key pair for signing models, made with the cryptography package of the local stack's environment."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from local.secret_files import ModelKeys


def new_model_keys() -> ModelKeys:
    """Make a P-256 pair, as model-signing takes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    return ModelKeys(
        private=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        public=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )
