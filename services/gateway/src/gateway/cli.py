"""Commands for an installation's operators: ``python -m gateway.cli --help``."""

import argparse
import sys
from collections.abc import Callable, Sequence, Set
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.admin.keys import KeyService
from gateway.admin.people import PeopleService
from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.auth.errors import UserNotFoundError
from gateway.auth.models import Scope
from gateway.auth.repository import UserRepository
from gateway.auth.schemas import normalise_email
from gateway.database import create_gateway_engine, create_session_factory, migrate
from gateway.resources import Clock, utc_now
from gateway.settings import DatabaseSettings, GatewaySettings, load_settings
from gateway.sites.models import Site
from gateway.sites.repository import SiteRepository
from gateway.sites.service import SiteService
from ictus.domain.errors import ConflictError, IctusError
from ictus.storage import ObjectStore

Write = Callable[[str], object]


def create_site(session: Session, name: str, clock: Clock) -> Site:
    """The site of this name, made when there is none."""
    site = SiteRepository(session).by_name(name)
    if site is None:
        site = SiteService(session).create(name, clock())
        _audit(session, clock, "site.create", "site", site.id)
    return site


def create_admin(
    session: Session, email: str, name: str, site_name: str, lifetime: timedelta, clock: Clock
) -> str | None:
    """Make the first administrator.

    Returns:
        The password for one sign-in within ``lifetime``, or None when there is an administrator already.
    """
    site = create_site(session, site_name, clock)
    now = clock()
    password = PeopleService(session).create_admin(email, name, site.id, now, now + lifetime)
    if password is not None:
        _audit(session, clock, "user.create_admin", "user", None)
    return password


def reset_password(session: Session, email: str, lifetime: timedelta, clock: Clock) -> str:
    """Give somebody a password for one sign-in within ``lifetime``, when no administrator can.

    Raises:
        UserNotFoundError: nobody has this address.
    """
    user = UserRepository(session).by_email(email)
    if user is None:
        raise UserNotFoundError
    password = PeopleService(session).reset_password(user.id, clock() + lifetime)
    _audit(session, clock, "user.reset_password", "user", user.id)
    return password


def create_api_key(
    session: Session, name: str, site_name: str, scopes: Set[Scope], lifetime: timedelta, clock: Clock
) -> str:
    """An API key of the first administrator's, for a site that is made when there is none."""
    site = create_site(session, site_name, clock)
    administrators = UserRepository(session).lock_active_admins()
    if not administrators:
        raise ConflictError("There is no administrator yet; `create-admin` makes one.")
    now = clock()
    secret, key = KeyService(session).issue(
        name, site.id, scopes, now + lifetime, created_by=administrators[0], now=now
    )
    _audit(session, clock, "api_key.create", "api_key", key.id)
    return secret


def create_buckets(settings: GatewaySettings, others: Sequence[str]) -> None:
    """Make the bucket of the settings, and others on the same S3 server, unless they are there."""
    for bucket in (settings.s3_bucket, *others):
        ObjectStore(
            settings.s3_endpoint,
            settings.s3_access_key.get_secret_value(),
            settings.s3_secret_key.get_secret_value(),
            bucket,
            secure=settings.s3_secure,
        ).ensure_bucket()


def _audit(session: Session, clock: Clock, action: str, object_type: str, object_id: UUID | None) -> None:
    entry = AuditEntry(action, object_type, object_id, ActorKind.SYSTEM)
    entry.write(session, clock())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description="Set up an Ictus gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database schema up to date")
    admin = commands.add_parser(
        "create-admin",
        help="make the first administrator; prints the e-mail address and a one-time password, or nothing if there is one",
    )
    admin.add_argument(
        "--email", type=normalise_email, default="admin@ictus.internal", help="default: %(default)s"
    )
    admin.add_argument("--name", default="Administrator", help="default: %(default)s")
    admin.add_argument("--site", default="Main site", help="made when there is none; default: %(default)s")
    reset = commands.add_parser(
        "reset-password", help="let somebody in again; prints the e-mail address and a one-time password"
    )
    reset.add_argument("--email", type=normalise_email, required=True)
    site = commands.add_parser(
        "create-site", help="make a site unless there is one of this name; prints its id"
    )
    site.add_argument("name")
    buckets = commands.add_parser("create-buckets", help="make the S3 bucket for scans, and further ones")
    buckets.add_argument("others", nargs="*", metavar="BUCKET")
    key = commands.add_parser("create-api-key", help="make an API key; prints it, this once")
    key.add_argument("name", help="what the key is for")
    key.add_argument("--site", default="Main site", help="made when there is none; default: %(default)s")
    key.add_argument(
        "--scope", type=Scope, action="append", required=True, help=f"{', '.join(Scope)}; repeatable"
    )
    key.add_argument(
        "--hours", type=float, default=24.0, help="how long it is good for; default: %(default)s"
    )
    return parser


def _run(options: argparse.Namespace, write: Write, clock: Clock) -> None:
    if options.command == "create-buckets":
        create_buckets(load_settings(GatewaySettings), options.others)
        return
    settings = load_settings(DatabaseSettings)
    url, lifetime = settings.database_url.get_secret_value(), settings.one_time_password_life
    if options.command == "migrate":
        migrate(url)
        return
    engine = create_gateway_engine(url)
    try:
        with create_session_factory(engine).begin() as session:
            match options.command:
                case "create-site":
                    answer = str(create_site(session, options.name, clock).id)
                case "create-api-key":
                    key_life, scopes = timedelta(hours=options.hours), frozenset(options.scope)
                    answer = create_api_key(session, options.name, options.site, scopes, key_life, clock)
                case "reset-password":
                    password = reset_password(session, options.email, lifetime, clock)
                    answer = f"{options.email} {password}"
                case _:
                    first = create_admin(session, options.email, options.name, options.site, lifetime, clock)
                    answer = f"{options.email} {first}" if first is not None else ""
    finally:
        engine.dispose()
    if answer:
        write(f"{answer}\n")


def main(
    arguments: Sequence[str] | None = None, *, write: Write = sys.stdout.write, clock: Clock = utc_now
) -> int:
    """Run one command; 0 when it succeeded."""
    try:
        _run(_parser().parse_args(arguments), write, clock)
    except IctusError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
