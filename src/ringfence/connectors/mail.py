"""Send mails by the mail servers that the organization's channels know."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Json, Release

connector = Connector(
    "mail",
    title="Mail",
    version="1.0.0",
    description="Send mails to anybody, by the mail server of one of the organization's channels.",
    category="Communication",
    releases=(Release("1.0.0", "2026-11-22", "First release: mails to anybody by the server of a channel."),),
)

MOST: int = 50
_LONGEST_SUBJECT = 200


@connector.action(effect=Effect.WRITE, repeatable=True)
async def send(
    context: Context,
    by: Annotated[str, Field(description="The mail channel, by name, whose server and sender are used.", min_length=1)],
    to: Annotated[str | list[str], Field(description="The address, or several, at most 50.")],
    subject: Annotated[
        str, Field(description="One line; line ends and what cannot be seen are taken out.", min_length=1)
    ],
    text: Annotated[
        str,
        Field(
            description="What is said, as plain text.",
            min_length=1,
            max_length=100_000,
            json_schema_extra={"format": "multi-line"},
        ),
    ],
) -> Json:
    """Send a mail as plain text, and go on when the server has taken it.

    Where the step is tried again because nobody knows whether the server took it, the mail has the same id, by which servers
    and people know the two for one. All addresses see each other.

    Example:
        ask_the_user:
          action: mail.send
          with:
            by: soc-mail
            to: asmith@contoso.com
            subject: "Was this you? ${trigger.alert.title}"
            text: "Please call us about ${trigger.alert.computerDnsName}."
    """
    recipients = [each.strip() for each in ([to] if isinstance(to, str) else to) if each.strip()]
    if not 1 <= len(recipients) <= MOST:
        message = f"There are {len(recipients)} addresses."
        raise ActionError(message, code="addresses", permanent=True, advice=f"Give 1 to {MOST}.")
    line = " ".join("".join(each if each.isprintable() else " " for each in subject).split())
    if not line:
        message = "The subject is empty."
        raise ActionError(message, code="no-subject", permanent=True, advice="Give one that can be seen.")
    if len(line) > _LONGEST_SUBJECT:
        line = f"{line[: _LONGEST_SUBJECT - 1]}…"
    sent = await context.mails.send(by=by, to=recipients, subject=line, text=text, key=context.step_key)
    context.log("info", f"A mail went to {sent} addresses.")
    return {"sent": sent}
