"""Commands for an installation's operators: ``python -m feedback.cli --help``."""

import argparse
from collections.abc import Sequence

from feedback.database import migrate
from feedback.settings import DatabaseSettings, load_settings
from ictus.telemetry import configure_telemetry


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m feedback.cli", description="Ictus feedback service.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    migration = commands.add_parser(
        "migrate", help="bring the database schema to this version; safe to repeat"
    )
    migration.add_argument(
        "--to",
        metavar="REVISION",
        default="head",
        help="forward or back to this one; default: this release's",
    )
    options = parser.parse_args(arguments)

    settings = load_settings(DatabaseSettings)
    configure_telemetry("feedback", settings)
    migrate(settings.database_url.get_secret_value(), options.to)


if __name__ == "__main__":
    main()
