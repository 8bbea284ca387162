"""The signature of a model directory: checked before anything in it is read.

``manifest.json.sig`` lies beside the manifest and signs its bytes: a Sigstore bundle that model-signing makes
with a P-256 key and checks without asking any server. The manifest names every other file with its SHA-256, so
the one signature covers the directory (docs/decisions/0081).
"""

import tempfile
from pathlib import Path
from typing import Final

from ictus.model.manifest import MANIFEST_FILE, ModelDirectory, ModelRefusedError, load_model_directory

SIGNATURE_FILE: Final = f"{MANIFEST_FILE}.sig"
_MAXIMUM_SIGNATURE_BYTES: Final = 100_000


def load_signed_model_directory(path: Path, public_key: str) -> ModelDirectory:
    """Verify the signature of a model directory, then read and verify the rest of it.

    Args:
        path: the directory, with its signature.
        public_key: PEM, of whoever may release models.

    Raises:
        ModelRefusedError: it is unsigned, signed by somebody else, changed, incomplete or of another format.
    """
    verify_signature(path / MANIFEST_FILE, path / SIGNATURE_FILE, public_key)
    return load_model_directory(path)


def verify_signature(manifest: Path, signature: Path, public_key: str) -> None:
    """Check that the key's owner signed this manifest. The manifest is hashed, not parsed.

    Args:
        manifest: ``manifest.json``.
        signature: its signature, wherever it lies.
        public_key: PEM.

    Raises:
        ModelRefusedError: it is unsigned, the signature is damaged or another key's, or the manifest was changed.
    """
    from model_signing import verifying  # noqa: PLC0415 (takes a second to import; most imports never verify)

    if signature.is_symlink() or not signature.is_file():
        raise ModelRefusedError("The model is not signed.")
    if signature.stat().st_size > _MAXIMUM_SIGNATURE_BYTES:
        raise ModelRefusedError("The model's signature is not a small file.")
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:  # model-signing takes keys by path
            key.write(public_key)
            key.flush()
            verifier = verifying.Config().use_elliptic_key_verifier(public_key=key.name)
    except ValueError as error:
        raise ModelRefusedError("The key that models are verified with is not a P-256 public key.") from error
    try:
        verifier.verify(manifest, signature)
    except Exception as error:  # a forged bundle fails in many ways; whatever is not proven is refused
        raise ModelRefusedError(
            "The model's signature does not hold: it was signed with another key or changed since."
        ) from error
