"""The base of every parameter block of a model manifest."""

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Frozen parameters; an unknown member is refused, so an older reader never ignores what it must apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")
