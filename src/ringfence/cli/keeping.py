"""`--keep`: how long the secrets before a new one count too, alike for webhooks in and out."""

from datetime import timedelta
from typing import Annotated

import typer

from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration

Keep = Annotated[str, typer.Option(help="How long the secrets before it count too, e.g. 24 h; 0 for not at all.")]
USUAL = "24 h"


def kept(text: str) -> timedelta:
    """Return the span of time that is meant; Invalid if none is."""
    try:
        return timedelta(0) if text.strip() == "0" else Duration.parse(text).timedelta
    except ValueError as error:
        raise Invalid(str(error), advice="Write it as 24 h, or 0.") from None
