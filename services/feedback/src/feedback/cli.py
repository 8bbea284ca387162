"""Commands for an installation's operators: ``python -m feedback.cli --help``."""

import argparse
from collections.abc import Sequence

from feedback.database import migrate
from feedback.settings import DatabaseSettings, load_settings
from ictus.telemetry import configure_logging


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m feedback.cli", description="Ictus feedback service.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("migrate", help="bring the database schema to this version; safe to repeat")
    parser.parse_args(arguments)

    settings = load_settings(DatabaseSettings)
    configure_logging("feedback", settings.log_level)
    migrate(settings.database_url.get_secret_value())


if __name__ == "__main__":
    main()
