"""The base of every contract."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A frozen message between services. Unknown members are refused, so both sides must agree.

    Root messages add ``schema_version: Literal[n]``; a change of meaning raises ``n``, and a service
    keeps reading ``n - 1`` for one release so that a rolling upgrade drops nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")
