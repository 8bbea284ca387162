"""What an operator has decided about people whom the provider vouches for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ictus.domain.enums import Role


@dataclass(frozen=True)
class AdmissionRules:
    """What the provider's claims decide here.

    Attributes:
        role_claim: the claim that names roles, e.g. ``groups``; its value is a word or a list of words.
        roles: role by such a word; of several the first in this order counts.
        site_claim: likewise for the site.
        sites: name of a site by such a word.
        unknown: what becomes of a person whom neither an account nor these rules let in.
        link_by_email: whether a verified address of an account here makes the person its owner.
    """

    role_claim: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    site_claim: str | None = None
    sites: Mapping[str, str] = field(default_factory=dict)
    unknown: Literal["pending", "refused"] = "pending"
    link_by_email: bool = False
