"""Client assertions: a JWT signed by the client's private key (RFC 7523; SMART App Launch 2.2, backend services)."""

import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError

from gateway.oauth.errors import ClientRefusedError
from gateway.oauth.keys import ALGORITHMS, verification_key
from gateway.oauth.models import OAuthClient

LONGEST_LIFE: Final = timedelta(minutes=5)
_CLOCK_SKEW: Final = 30
_LONGEST_JTI: Final = 1024


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion: whose it is, and what makes it the only one of its kind."""

    client_id: UUID
    jti_hash: bytes
    expires_at: datetime


def claimed_client(assertion: str) -> UUID:
    """Whose assertion it says it is, of which nothing is proven. Raises ``ClientRefusedError``."""
    try:
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
        return UUID(claims["iss"])
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise ClientRefusedError("The client assertion is no JWT of a registered client.") from None


def verify(assertion: str, client: OAuthClient, audience: str, now: datetime) -> Assertion:
    """Check signature, audience, times and that issuer and subject are the client.

    Args:
        assertion: the JWT in its compact form.
        client: whose it claims to be.
        audience: the token endpoint's address, as ``aud`` must name it.
        now: the present time.

    Raises:
        ClientRefusedError: it proves nothing.
    """
    try:
        header = jws.extract_compact(assertion.encode()).headers()
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or not isinstance(kid, str):
            raise ClientRefusedError(
                "The assertion must name its key ('kid') and be signed by RS384 or ES384."
            )
        key = verification_key(client.jwks, kid, algorithm)
        if key is None:
            raise ClientRefusedError("The assertion names a key that is not registered for this client.")
        token = jwt.decode(assertion, key, algorithms=[algorithm])
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_CLOCK_SKEW,
            iss={"essential": True, "value": str(client.id)},
            sub={"essential": True, "value": str(client.id)},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            jti={"essential": True},
        ).validate(token.claims)
    except JoseError as error:
        raise ClientRefusedError(f"The assertion is not valid: {_reason(error)}.") from None
    except (ValueError, TypeError):
        raise ClientRefusedError from None
    return _used(client, token.claims, now)


def _used(client: OAuthClient, claims: dict[str, Any], now: datetime) -> Assertion:
    expires, jti = float(claims["exp"]), claims["jti"]
    if expires > (now + LONGEST_LIFE).timestamp() + _CLOCK_SKEW:
        raise ClientRefusedError("The assertion must be over within five minutes.")
    if len(jti) > _LONGEST_JTI:
        raise ClientRefusedError("The assertion's 'jti' is too long.")
    return Assertion(
        client_id=client.id,
        jti_hash=hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest(),
        expires_at=datetime.fromtimestamp(expires + _CLOCK_SKEW, UTC) + timedelta(seconds=1),
    )


def _reason(error: JoseError) -> str:
    claim = getattr(error, "claim", None)
    return f"'{claim}'" if claim else type(error).error.replace("_", " ")
