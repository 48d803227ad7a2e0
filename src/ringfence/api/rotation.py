"""What is said of the secrets before a new one, alike for webhooks in and out."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Rotation(BaseModel):
    """For how long the secrets before the new one count too, beside it."""

    model_config = ConfigDict(extra="forbid")

    keep_seconds: Annotated[float, Field(ge=0, le=2_592_000)] = 86_400.0

    @property
    def keep(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(seconds=self.keep_seconds)
