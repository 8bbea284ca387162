"""Commands for an installation's operators: ``python -m gateway.cli --help``."""

import argparse
import sys
from collections.abc import Callable, Sequence, Set
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError
from redis import Redis
from sqlalchemy.orm import Session

from gateway.admin.keys import KeyService
from gateway.admin.people import PeopleService
from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry
from gateway.auth.errors import UserNotFoundError
from gateway.auth.models import Scope
from gateway.auth.repository import UserRepository
from gateway.auth.schemas import normalise_email
from gateway.database import after_commit, create_gateway_engine, create_session_factory, migrate
from gateway.dimse.peers import let_in
from gateway.identity import IdentityCipher
from gateway.models.doorbell import ring_workers
from gateway.models.registry import registry_opener
from gateway.models.releases import ReleaseService
from gateway.pulls.administration import Sources
from gateway.pulls.models import Retrieval, SourceKind
from gateway.pulls.schemas import SourceDraft
from gateway.resources import Clock, utc_now
from gateway.settings import DatabaseSettings, GatewaySettings, ReleaseSettings, load_settings
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


def add_dicom_peer(session: Session, ae_title: str, site_name: str, clock: Clock) -> UUID:
    """Let an application entity send by C-STORE, for a site that is made when there is none; the peer's id."""
    site = create_site(session, site_name, clock)
    peer = let_in(session, ae_title, site.id, None, clock())
    _audit(session, clock, "dicom_peer.create", "dicom_peer", peer.id)
    return peer.id


def add_source(
    session: Session, draft: SourceDraft, site_name: str, cipher: IdentityCipher | None, clock: Clock
) -> UUID:
    """An archive that studies can be fetched from, for a site that is made when there is none; its id."""
    site = create_site(session, site_name, clock)
    source = Sources(session, site.id, clock()).enter(draft, cipher, None)
    _audit(session, clock, "source.create", "source", source.id)
    return source.id


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


def roll_back(settings: ReleaseSettings, to: str | None, reason: str | None, clock: Clock) -> str:
    """Put the model before the present one, or ``to``, in use again; which one that is.

    Raises:
        ConflictError: there is no such way back.
        NotFoundError: no model is in use, or the earlier one is not registered any more.
        UnavailableError: the registry does not answer.
    """
    engine = create_gateway_engine(settings.database_url.get_secret_value())
    redis = Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=3, socket_connect_timeout=3)
    try:
        with create_session_factory(engine).begin() as session:
            ring = partial(after_commit, session, partial(ring_workers, redis))
            releases = ReleaseService(session, registry_opener(settings), clock(), 1, ring)
            release = releases.roll_back(to, None, reason)
            entry = AuditEntry("model.roll_back", "model", release.version, ActorKind.SYSTEM)
            entry.detail["previous"] = release.previous
            entry.write(session, clock())
            return release.version
    finally:
        redis.close()
        engine.dispose()


def _audit(session: Session, clock: Clock, action: str, object_type: str, object_id: UUID | None) -> None:
    entry = AuditEntry(action, object_type, object_id, ActorKind.SYSTEM)
    entry.write(session, clock())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description="Set up an Ictus gateway.")
    commands = parser.add_subparsers(dest="command", required=True)
    migration = commands.add_parser("migrate", help="bring the database schema up to date")
    migration.add_argument(
        "--to",
        metavar="REVISION",
        default="head",
        help="forward or back to this one; default: this release's",
    )
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
    peer = commands.add_parser(
        "add-dicom-peer", help="let an application entity send by C-STORE; prints its id"
    )
    peer.add_argument("ae_title")
    peer.add_argument("--site", default="Main site", help="made when there is none; default: %(default)s")
    source = commands.add_parser(
        "add-source", help="enter an archive that studies can be fetched from; prints its id"
    )
    source.add_argument("name")
    source.add_argument("--site", default="Main site", help="made when there is none; default: %(default)s")
    source.add_argument("--dicomweb", metavar="URL", help="QIDO-RS and WADO-RS at this address")
    source.add_argument("--username", help="of --dicomweb; without it the secret is a bearer token")
    source.add_argument(
        "--secret-file", type=Path, metavar="FILE", help="of --dicomweb: holds the password or token"
    )
    source.add_argument("--host", help="C-FIND and C-MOVE or C-GET at this computer")
    source.add_argument("--port", type=int)
    source.add_argument("--ae-title", help="the archive's")
    source.add_argument("--own-ae-title", default="ICTUS", help="calling, and where C-MOVE sends to")
    source.add_argument(
        "--retrieval",
        type=Retrieval,
        default=Retrieval.MOVE,
        help=f"{', '.join(Retrieval)}; default: %(default)s",
    )
    rollback = commands.add_parser("rollback", help="put an earlier model in use again; prints its version")
    rollback.add_argument(
        "--to", metavar="VERSION", help="one that was in use before; default: the one before the present"
    )
    rollback.add_argument("--reason", help="for the record")
    return parser


def _source(options: argparse.Namespace) -> tuple[SourceDraft, str, IdentityCipher | None]:
    """The archive that the command line describes, its site, and what seals its secret. Raises ``ConflictError``."""
    secret = options.secret_file.read_text().strip() if options.secret_file else None
    described = {
        "name": options.name,
        "kind": SourceKind.DICOMWEB if options.dicomweb else SourceKind.DIMSE,
        "url": options.dicomweb,
        "username": options.username,
        "secret": secret,
        "host": options.host,
        "port": options.port,
        "remote_name": options.ae_title or "ANY-SCP",
        "own_name": options.own_ae_title,
        "move_destination": options.own_ae_title,
        "retrieval": options.retrieval,
    }
    try:
        draft = SourceDraft.model_validate(described)
    except ValidationError as error:
        told = "; ".join(str(item["msg"]) for item in error.errors(include_input=False))
        raise ConflictError(f"The archive is not described completely. {told}") from None
    if secret is None:
        return draft, options.site, None
    key = load_settings(GatewaySettings).identity_key.get_secret_value()
    return draft, options.site, IdentityCipher.from_setting(key)


def _run(options: argparse.Namespace, write: Write, clock: Clock) -> None:
    if options.command == "create-buckets":
        create_buckets(load_settings(GatewaySettings), options.others)
        return
    if options.command == "rollback":
        write(f"{roll_back(load_settings(ReleaseSettings), options.to, options.reason, clock)}\n")
        return
    settings = load_settings(DatabaseSettings)
    url, lifetime = settings.database_url.get_secret_value(), settings.one_time_password_life
    if options.command == "migrate":
        migrate(url, options.to)
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
                case "add-dicom-peer":
                    answer = str(add_dicom_peer(session, options.ae_title, options.site, clock))
                case "add-source":
                    answer = str(add_source(session, *_source(options), clock))
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
