"""Put texts together, take them apart, search in them, and make indicators harmless or find them."""

from typing import Final

from ringfence.actions import ActionError, Connector, Release

connector = Connector(
    "text",
    title="Text",
    version="1.0.0",
    description="Put texts together, take them apart, search in them, and handle indicators, without asking anybody outside.",
    category="Core",
    releases=(
        Release(
            "1.0.0", "2026-11-22", "First release: compose, split, search and defang texts; find and check indicators."
        ),
    ),
)

LONGEST: Final = 1_000_000
"""Characters of a text that is worked on."""


def bounded(text: str, most: int = LONGEST) -> str:
    """Return a text that is not too long to be worked on; ActionError for any other."""
    if len(text) > most:
        message = f"The text has {len(text)} characters; at most {most} are worked on."
        raise ActionError(message, code="text-too-long", permanent=True, advice="Pick the part of it that matters.")
    return text
