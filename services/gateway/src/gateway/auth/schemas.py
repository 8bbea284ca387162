"""What the sign-in API takes and gives."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from gateway.auth.secrets import PASSWORD_MAXIMUM
from ictus.domain.enums import Role

_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")


def normalise_email(email: str) -> str:
    """The address in lower case, if it has the form of one.

    It names an account and nothing is sent to it; stricter libraries refuse hospitals' internal domains.

    Raises:
        ValueError: it is no e-mail address.
    """
    if not _EMAIL.fullmatch(email):
        raise ValueError("This is not an e-mail address.")
    return unicodedata.normalize("NFC", email).lower()


Email = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(normalise_email)
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_MAXIMUM)]
PersonRole = Literal[Role.CLINICIAN, Role.RADIOLOGIST, Role.ADMIN]


class Registration(BaseModel):
    """A person asks to be let in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ana.lopez@hospital.org", "name": "Ana López", "password": "three blue buckets"}
            ]
        }
    )

    email: Email
    name: Name
    password: Password = Field(description="12 characters or more; a few words do well.")


class Accepted(BaseModel):
    """The same answer for every registration, so that it tells nobody which addresses are known."""

    detail: str = "Thank you. An administrator will look at your registration."


class Credentials(BaseModel):
    """What a person signs in with."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "ana.lopez@hospital.org", "password": "three blue buckets"}]
        }
    )

    email: Email
    password: Password


class PasswordChange(BaseModel):
    """A new password for the person who is signed in."""

    current_password: Password = Field(examples=["three blue buckets"])
    new_password: Password = Field(
        description="12 characters or more; a few words do well.", examples=["seven green kettles boil"]
    )


class SiteName(BaseModel):
    """A site, as people see it."""

    id: UUID
    name: str = Field(examples=["St. Mary's, Emergency"])


class Me(BaseModel):
    """The person who is signed in."""

    id: UUID
    email: str = Field(examples=["ana.lopez@hospital.org"])
    name: str = Field(examples=["Ana López"])
    role: PersonRole
    site: SiteName
    must_change_password: bool = Field(
        description="True after a one-time password: nothing but `POST /auth/password` is allowed."
    )


class SignedIn(BaseModel):
    """A live session."""

    user: Me
    csrf_token: str = Field(description="Send it as `X-CSRF-Token` with every POST, PUT, PATCH and DELETE.")
    expires_at: datetime = Field(description="When the session ends at the latest.")
    idle_seconds: int = Field(description="The session ends when nothing is requested for so long.")
