"""What the sign-in page is told."""

from pydantic import BaseModel, Field


class ProviderOffer(BaseModel):
    """The provider where people can sign in."""

    label: str = Field(description="What the button says.", examples=["Hospital account"])
    address: str = Field(
        description="Where the button leads, by a plain link.", examples=["/api/v1/auth/oidc/sign-in"]
    )


class SignInMethods(BaseModel):
    """How people can sign in besides e-mail address and password."""

    provider: ProviderOffer | None = Field(description="Null when none is configured.")
