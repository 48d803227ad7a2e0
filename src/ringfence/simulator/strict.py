"""The base of everything that a person may write: scenarios, control requests, faults."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Refuse unknown keys: a misspelled one is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
