"""Writes the OpenAPI document that the web client is generated from: ``python -m gateway.openapi [PATH]``."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet

from gateway.app import create_app
from gateway.settings import GatewaySettings

DEFAULT_PATH = Path("frontend/openapi.json")


def openapi_document() -> str:
    """The document as JSON text, the same for the same code. Nothing is connected to."""
    nobody = "0" * 32
    settings = GatewaySettings.model_validate(
        {
            "database_url": "postgresql://localhost/nowhere",
            "redis_url": "redis://localhost/0",
            "s3_endpoint": "localhost:1",
            "s3_access_key": nobody,
            "s3_secret_key": nobody,
            "feedback_url": "http://localhost:1",
            "inference_token": nobody,
            "feedback_token": nobody,
            "trainer_token": nobody,
            "identity_key": Fernet.generate_key().decode(),
            "uid_key": nobody,
        }
    )
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document, or with ``--check`` say whether the file is up to date."""
    parser = argparse.ArgumentParser(prog="gateway.openapi", description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT_PATH)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 when the file is out of date"
    )
    options = parser.parse_args(arguments)
    document = openapi_document()
    if options.check:
        if not options.path.exists() or options.path.read_text() != document:
            sys.stderr.write(f"{options.path} is out of date; run `python -m gateway.openapi`.\n")
            return 1
        return 0
    options.path.parent.mkdir(parents=True, exist_ok=True)
    options.path.write_text(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
