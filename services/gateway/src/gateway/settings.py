"""What the gateway is told by its environment; the only module of it that reads the environment.

Each setting is ``ICTUS_<NAME>`` in the environment, or a file of that name (lower case) in the directory
``ICTUS_SECRETS_DIR``. What has no default must be given: the process refuses to start without it.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.oidc.rules import AdmissionRules
from ictus.domain.enums import Role
from ictus.telemetry import TelemetryOptions

Token = Annotated[SecretStr, Field(min_length=32)]


class DatabaseSettings(TelemetryOptions, BaseSettings):
    """What migrations and the operators' commands need."""

    model_config = SettingsConfigDict(env_prefix="ICTUS_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="postgresql://user:password@host:port/database")
    one_time_password_hours: int = Field(
        default=72, ge=1, description="How long a one-time password lets its owner sign in."
    )

    @property
    def one_time_password_life(self) -> timedelta:
        """How long a one-time password lets its owner sign in."""
        return timedelta(hours=self.one_time_password_hours)


class ReleaseSettings(DatabaseSettings):
    """What changing the model in use needs."""

    redis_url: SecretStr = Field(description="redis://host:port/0; the doorbell between processes.")
    mlflow_url: HttpUrl | None = Field(
        default=None, description="The model registry; only aliases are changed in it."
    )
    model_name: str = Field(default="ictus", description="The registered model, as the workers know it.")
    model_public_key: str | None = Field(
        default=None, description="PEM; only a model signed with its private key is described or promoted."
    )


class GatewaySettings(ReleaseSettings):
    """The gateway's settings. Secrets never appear in a ``repr``."""

    s3_endpoint: str = Field(description="host:port of the S3 server.")
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str = "ictus"
    s3_secure: bool = True
    feedback_url: HttpUrl = Field(description="Where the feedback service listens.")
    model_fresh_seconds: float = Field(
        default=15.0, gt=0, description="How long the registry is not asked again which model is in use."
    )

    inference_token: Token = Field(description="What inference workers show to this gateway.")
    feedback_token: Token = Field(description="What this gateway shows to the feedback service.")
    trainer_token: Token = Field(description="What the trainer shows to this gateway.")
    identity_key: SecretStr = Field(
        description="Fernet keys of the patients' identity, newest first, separated by commas."
    )
    uid_key: Token = Field(description="Key of the HMAC that replaces DICOM UIDs.")

    tls: bool = Field(
        default=True,
        description="Browsers reach the gateway by https: the session cookie is Secure. False on loopback only.",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="The address at which people and other systems reach this gateway, e.g. https://ictus.hospital.org. "
        "OAuth and sign-in by OIDC need it over TLS, and FHIR names resources by it.",
    )
    static_dir: Path | None = Field(default=None, description="The built web UI, served at `/` when given.")
    work_dir: Path | None = Field(
        default=None, description="Where uploads are spooled; the system's default."
    )

    session_idle_minutes: int = Field(default=15, ge=1)
    session_absolute_hours: int = Field(default=12, ge=1)
    access_token_seconds: int = Field(
        default=300, ge=60, le=3600, description="How long an OAuth access token lives."
    )
    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"https?://.+",
        description="Issuer of the hospital's OpenID Connect provider, exactly as its metadata names it.",
    )
    oidc_client_id: str | None = Field(default=None, description="This installation's name at the provider.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Its secret there; none for a public client."
    )
    oidc_scopes: str = Field(
        default="openid email profile", description="What the provider is asked to tell."
    )
    oidc_label: str = Field(default="Hospital account", description="What the sign-in page's button says.")
    oidc_role_claim: str | None = Field(default=None, description="The claim that names roles, e.g. groups.")
    oidc_roles: dict[str, Role] = Field(
        default={}, description="JSON: role by a word of that claim; the first that fits counts."
    )
    oidc_site_claim: str | None = Field(default=None, description="The claim that names the site.")
    oidc_sites: dict[str, str] = Field(
        default={}, description="JSON: name of a site by a word of that claim."
    )
    oidc_unknown: Literal["pending", "refused"] = Field(
        default="pending",
        description="Whom neither an account nor the claims let in waits for an administrator's approval, or is refused.",
    )
    oidc_link_by_email: bool = Field(
        default=False,
        description="Whether an e-mail address that the provider has verified makes a person the owner of the account "
        "that has it here. Whoever can set addresses at the provider can then take any account.",
    )
    login_free_attempts: int = Field(
        default=5, ge=1, description="Wrong passwords of an account before waits."
    )
    address_free_attempts: int = Field(default=30, ge=1, description="Wrong passwords from an address.")
    registration_free_attempts: int = Field(default=20, ge=1, description="Registrations from an address.")
    login_longest_wait_seconds: int = Field(
        default=60,
        ge=1,
        description="Longest wait of an account. Whoever knows an e-mail address can keep its owner from signing in "
        "for so long at a time; the shorter, the more guesses a day from many addresses (60 s: 1440).",
    )
    address_longest_wait_seconds: int = Field(default=900, ge=1, description="Longest wait of an address.")
    alert_escalation_minutes: float = Field(
        default=10.0,
        ge=0,
        description="After so long a likely stroke that nobody has acknowledged is escalated; 0: never.",
    )
    lease_seconds: float = Field(default=60.0, gt=0, description="How long a worker may be silent.")
    retry_backoff_seconds: float = Field(default=5.0, gt=0, description="Wait after a first failed attempt.")
    max_queue_length: int = Field(default=1000, ge=1, description="Jobs waiting before uploads get 503.")
    max_upload_mb: int = Field(default=2048, ge=1, description="Bytes of an upload, unpacked too, in MiB.")
    max_upload_files: int = Field(
        default=2000, ge=1, description="Files of an upload, those in zips included."
    )
    upload_stall_seconds: float = Field(
        default=60.0,
        gt=0,
        description="An upload of which less than 64 KiB arrive in this time is broken off.",
    )
    dimse_quiet_seconds: float = Field(
        default=10.0,
        gt=0,
        description="A study sent by DICOM (C-STORE or STOW-RS) is complete when nothing of it has come for so long.",
    )
    dimse_check_seconds: float = Field(
        default=1.0, gt=0, description="How often studies that are complete are looked for."
    )
    dimse_spool_mb: int = Field(
        default=20480, ge=1, description="Bytes of received studies that wait to be complete, in MiB."
    )
    dimse_reserve_mb: int = Field(
        default=1024, ge=0, description="Bytes that receiving leaves free on the disk, in MiB."
    )
    dimse_quarantine_hours: float = Field(
        default=72.0, gt=0, description="How long the files of a refused study are kept for an administrator."
    )
    body_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Time in which the body of a request that is no upload must have arrived.",
    )
    concurrent_intakes: int = Field(
        default=4, ge=1, description="Uploads read at once, up to 2 GB each; the others wait."
    )
    max_slices: int = Field(default=2000, ge=1, description="Slices of one series.")
    max_pixels: int = Field(default=64 * 1024**2, ge=1, description="Pixels of one picture or slice.")
    stream_check_seconds: float = Field(
        default=10.0, gt=0, description="How often an event stream asks whether its session still lives."
    )
    training_lease_seconds: float = Field(default=60.0, gt=0, description="How long a trainer may be silent.")
    training_check_seconds: float = Field(
        default=300.0, gt=0, description="How often it is looked whether a training is due by itself."
    )
    training_new_cases: int = Field(
        default=50, ge=0, description="So many new cases start a training; 0: they never do."
    )
    training_every_hours: float = Field(
        default=168.0,
        ge=0,
        description="So long after the last training the next one starts, if there are new cases; 0: never.",
    )
    training_approvals: Literal[1, 2] = Field(
        default=1,
        description="How many administrators must approve a model before it answers patients' scans.",
    )
    drift_psi: float = Field(
        default=0.2,
        gt=0,
        description="Population stability index from which a shift is large enough for an alarm.",
    )
    drift_p_value: float = Field(
        default=0.001,
        gt=0,
        lt=1,
        description="A shift is no alarm unless chance explains it less often than this.",
    )
    drift_least_studies: int = Field(
        default=50, ge=1, description="Studies in both windows before their drift is judged."
    )
    drift_agreement_drop: float = Field(
        default=0.1, gt=0, lt=1, description="Fall of the share of reviews that agree, for an alarm."
    )
    drift_least_reviews: int = Field(
        default=20, ge=1, description="Decided reviews in both windows before agreement is judged."
    )
    delivery_timeout_seconds: float = Field(
        default=20.0,
        gt=0,
        description="How long another system may be silent when something is delivered to it.",
    )
    delivery_lease_seconds: float = Field(
        default=300.0, gt=0, description="How long one delivery may take before it is sent anew."
    )
    delivery_first_wait_seconds: float = Field(
        default=5.0, gt=0, description="Wait after a first failed delivery; it doubles with each further one."
    )
    delivery_longest_wait_seconds: float = Field(default=900.0, gt=0, description="Longest such wait.")
    delivery_give_up_hours: float = Field(
        default=72.0, gt=0, description="So long a delivery is tried before it is a dead letter."
    )
    pull_silence_seconds: float = Field(
        default=120.0,
        gt=0,
        description="How long an archive may say nothing while it sends a study that we fetch.",
    )
    pull_first_wait_seconds: float = Field(
        default=5.0, gt=0, description="Wait after a first failed fetch; it doubles with each further one."
    )
    pull_longest_wait_seconds: float = Field(default=300.0, gt=0, description="Longest such wait.")
    pull_give_up_minutes: float = Field(
        default=60.0, ge=0, description="So long a study is tried to be fetched before that has failed."
    )
    pulls_at_once: int = Field(
        default=3, ge=1, description="Studies fetched at the same time, of the eight that a process can do."
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        description="Days after which a study to which nothing has happened is erased for good, with its cases; unset: never.",
    )
    retention_decided_days: int | None = Field(
        default=None,
        ge=1,
        description="The same for studies that readers have decided, whose cases may teach the model; as the others when unset.",
    )
    sweep_seconds: float = Field(default=5.0, gt=0, description="How often forgotten work is looked for.")
    database_pool_size: int = Field(default=10, ge=1)
    database_pool_overflow: int = Field(default=30, ge=0)

    @property
    def session_idle(self) -> timedelta:
        """How long a session lives without a request."""
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def session_absolute(self) -> timedelta:
        """How long a session lives at most."""
        return timedelta(hours=self.session_absolute_hours)

    @property
    def access_token_life(self) -> timedelta:
        """How long an OAuth access token lives."""
        return timedelta(seconds=self.access_token_seconds)

    @property
    def oidc_rules(self) -> AdmissionRules:
        """What the provider's claims decide here."""
        return AdmissionRules(
            role_claim=self.oidc_role_claim,
            roles=self.oidc_roles,
            site_claim=self.oidc_site_claim,
            sites=self.oidc_sites,
            unknown=self.oidc_unknown,
            link_by_email=self.oidc_link_by_email,
        )

    @field_validator("public_url", "retention_days", "retention_decided_days", mode="before")
    @classmethod
    def _absent_when_empty(cls, value: object) -> object:
        return None if value == "" else value  # compose hands on a variable that nobody set


class DimseSettings(GatewaySettings):
    """The DICOM listener's settings."""

    dimse_ae_title: str = Field(
        default="ICTUS", pattern=r"^[ -~]{1,16}$", description="Our AE title; others are not answered to."
    )
    dimse_host: str = Field(default="0.0.0.0", description="The address to listen on.")  # noqa: S104
    dimse_port: int = Field(default=11112, ge=1, le=65535)
    dimse_tls_cert: Path | None = Field(default=None, description="PEM; with it, only TLS is spoken.")
    dimse_tls_key: Path | None = Field(default=None, description="PEM; the certificate's private key.")
    dimse_tls_ca: Path | None = Field(
        default=None, description="PEM; peers must show a certificate signed by one of these."
    )
    dimse_max_pdu: int = Field(default=65536, ge=4096, description="Bytes of a PDU that we accept.")
    dimse_max_associations: int = Field(default=16, ge=1, description="Associations at once.")
    dimse_association_objects: int = Field(default=5000, ge=1, description="Instances of one association.")
    dimse_association_mb: int = Field(default=4096, ge=1, description="Bytes of one association, in MiB.")
    dimse_idle_seconds: float = Field(
        default=60.0, gt=0, description="An association on which nothing comes for so long is aborted."
    )


class SettingsError(SystemExit):
    """The environment lacks a setting or has one that cannot be; ends the program with one line for each."""


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load_settings(kind: type[SettingsT]) -> SettingsT:
    """Read settings from the environment and from the secrets directory.

    Raises:
        SettingsError: naming each setting that is missing or wrong, and never its value.
    """
    try:
        return kind(_secrets_dir=os.environ.get("ICTUS_SECRETS_DIR"))
    except ValidationError as error:
        lines = [f"ICTUS_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise SettingsError("The gateway cannot start. " + "; ".join(lines)) from None
