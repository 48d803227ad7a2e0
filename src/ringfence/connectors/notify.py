"""Tell people, over the channels of the organization: mail, chat and other services."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Connector, Context, Effect, Json, Release

connector = Connector(
    "notify",
    title="Notify",
    version="1.0.0",
    description="Tell people over the organization's channels: mail, chat and other services.",
    category="Communication",
    releases=(Release("1.0.0", "2026-11-22", "First release: messages over the organization's channels."),),
)


@connector.action(effect=Effect.WRITE, repeatable=True)
async def send(
    context: Context,
    to: Annotated[str | list[str], Field(description="The channel, or several, by name.")],
    text: Annotated[str, Field(description="What is said; it is sent as plain text.", min_length=1, max_length=5_000)],
    title: Annotated[str | None, Field(description="One line above it; else the name of the playbook.")] = None,
) -> Json:
    """Put a message on its way to channels; it is delivered at least once, with others in one where there are many.

    The step succeeds when the message is noted, and does not wait for its delivery. Words from alerts come through as plain
    text, without markup, mentions or links.

    Example:
        tell:
          action: notify.send
          with: {to: soc, text: "${trigger.alert.computerDnsName} needs a look."}
    """
    channels = [to] if isinstance(to, str) else list(to)
    title = title or f"Playbook {context.playbook_name}"
    count = await context.people.tell(channels=channels, title=title, text=text, key=context.step_key)
    context.log("info", f"On its way to {', '.join(channels)}.")
    return {"channels": count}
