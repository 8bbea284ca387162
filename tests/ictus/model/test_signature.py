"""What is not signed with the trusted key is refused before it is read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ictus.model.manifest import MANIFEST_FILE, WEIGHTS_FILE, ModelRefusedError
from ictus.model.signature import SIGNATURE_FILE, load_signed_model_directory
from local.model_keys import new_model_keys
from local.secret_files import ModelKeys


@pytest.fixture
def signed(model_directory: Path, sign_model: Callable[[Path], Path]) -> Path:
    return sign_model(model_directory)


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_signed_directory_is_loaded_wherever_it_lies(
    signed: Path, model_keys: ModelKeys, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(signed, tmp_path / "elsewhere" / "under another name"))
    assert load_signed_model_directory(moved, model_keys.public).manifest.version == "1.0.0"


def test_wrong_key_is_refused(signed: Path) -> None:
    with pytest.raises(ModelRefusedError, match="another key"):
        load_signed_model_directory(signed, new_model_keys().public)


@pytest.mark.parametrize("file", [MANIFEST_FILE, WEIGHTS_FILE])
def test_flipped_byte_is_refused(signed: Path, model_keys: ModelKeys, file: str) -> None:
    flip(signed / file, 3)
    with pytest.raises(ModelRefusedError, match="changed since"):
        load_signed_model_directory(signed, model_keys.public)


def test_flipped_byte_of_the_signature_is_refused(signed: Path, model_keys: ModelKeys) -> None:
    bundle = json.loads((signed / SIGNATURE_FILE).read_bytes())
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = (
        signature["sig"][:40] + ("A" if signature["sig"][40] != "A" else "B") + signature["sig"][41:]
    )
    (signed / SIGNATURE_FILE).write_text(json.dumps(bundle))
    with pytest.raises(ModelRefusedError, match="does not hold"):
        load_signed_model_directory(signed, model_keys.public)


@pytest.mark.parametrize(
    "content", ["", "{}", "not json", "[]", '{"verificationMaterial": {}}', "\x00", "9" * 200_000], ids=len
)
def test_nonsense_for_a_signature_is_refused(signed: Path, model_keys: ModelKeys, content: str) -> None:
    (signed / SIGNATURE_FILE).write_text(content)
    with pytest.raises(ModelRefusedError, match="signature"):
        load_signed_model_directory(signed, model_keys.public)


def test_unsigned_manifest_is_not_even_parsed(signed: Path, model_keys: ModelKeys) -> None:
    """Were it parsed, it would be called damaged."""
    (signed / SIGNATURE_FILE).unlink()
    (signed / MANIFEST_FILE).write_bytes(b"{")
    with pytest.raises(ModelRefusedError, match="not signed"):
        load_signed_model_directory(signed, model_keys.public)


def test_link_in_place_of_the_signature_is_refused(
    signed: Path, model_keys: ModelKeys, tmp_path: Path
) -> None:
    elsewhere = (signed / SIGNATURE_FILE).rename(tmp_path / "elsewhere")
    (signed / SIGNATURE_FILE).symlink_to(elsewhere)
    with pytest.raises(ModelRefusedError, match="not signed"):
        load_signed_model_directory(signed, model_keys.public)


def test_older_format_is_refused_even_with_the_right_signature(
    model_directory: Path, model_keys: ModelKeys, sign_model: Callable[[Path], Path]
) -> None:
    manifest = json.loads((model_directory / MANIFEST_FILE).read_bytes()) | {"format_version": 0}
    (model_directory / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelRefusedError, match="another format"):
        load_signed_model_directory(sign_model(model_directory), model_keys.public)


def test_what_is_no_key_trusts_nothing(signed: Path) -> None:
    with pytest.raises(ModelRefusedError, match="not a P-256 public key"):
        load_signed_model_directory(signed, "no key")
