"""Secrets for docker-compose.yml: ``python -m local.compose_secrets FOLDER`` (standard library only).

Run it from ``deploy/``. It makes what is missing and changes nothing that is there, so it is safe to repeat.
"""

import argparse
import subprocess
from pathlib import Path

from local.secret_files import Addresses, Credentials, ModelKeys, write_private, write_process_secrets


def write_compose_secrets(folder: Path) -> None:
    """Lay out one folder per container below `folder`.

    Only their owner can enter `folder`. The files in it are readable to all, because a container that mounts one
    of the folders below runs under a user id of its own.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    credentials = Credentials.load_or_create(folder / "installation.json")
    keys = ModelKeys.load_or_create(folder, _new_model_keys)
    write_process_secrets(folder, credentials, keys, Addresses(postgres="db:5432", redis="redis:6379"))
    database = {
        "postgres": credentials.postgres_password,
        "gateway": credentials.gateway_password,
        "feedback": credentials.feedback_password,
        "mlflow": credentials.mlflow_password,
    }
    for role, password in database.items():
        write_private(folder / "db" / f"{role}_password", password)
    write_private(folder / "mlflow" / "database_password", credentials.mlflow_password)
    write_private(folder / "grafana" / "admin_password", credentials.grafana_password)
    minio = f"MINIO_ROOT_USER={credentials.s3_access_key}\nMINIO_ROOT_PASSWORD={credentials.s3_secret_key}\n"
    write_private(folder / "minio.env", minio)
    reader = (
        f"READER_ACCESS_KEY={credentials.s3_reader_access_key}\n"
        f"READER_SECRET_KEY={credentials.s3_reader_secret_key}\n"
        f"SCANS_ACCESS_KEY={credentials.s3_scans_access_key}\n"
        f"SCANS_SECRET_KEY={credentials.s3_scans_secret_key}\n"
    )
    write_private(folder / "objects-reader.env", reader)
    for process in folder.iterdir():
        if process.is_dir():
            process.chmod(0o755)
            for file in process.iterdir():
                file.chmod(0o644)


def _new_model_keys() -> ModelKeys:
    """Make a P-256 pair with openssl: the host of the containers may have no Python package."""
    private = _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    return ModelKeys(private, _openssl("pkey", "-pubout", given=private))


def _openssl(*arguments: str, given: str = "") -> str:
    try:
        done = subprocess.run(
            ["openssl", *arguments], input=given, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise SystemExit("The key pair for signing models cannot be made: please install openssl.") from None
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_compose_secrets(parser.parse_args().folder)
