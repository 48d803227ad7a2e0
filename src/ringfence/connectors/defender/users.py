"""Users: the alerts that they are part of, and the machines that they logged on to."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import listed
from ringfence.connectors.defender.inputs import Limit

User = Annotated[
    str,
    Field(
        description="The account's name, e.g. asmith; not asmith@contoso.com.",
        pattern=r"^[^@\\\\/]+$",
        max_length=255,
    ),
]


@connector.action(effect=Effect.READ, operations=("get_user_alerts",), permissions=("Alert.Read.All",))
async def get_user_alerts(context: Context, user: User, limit: Limit = 100) -> Json:
    """List the alerts that a user is part of; none for a user who is not known.

    `items` are the alerts; `more` says that there are others.

    Example:
        same_user:
          action: defender.get_user_alerts
          with: {user: "${trigger.alert.relatedUser.userName}"}
    """
    return listed(context, await context.defender.list("get_user_alerts", limit=limit, account_name=user))


@connector.action(effect=Effect.READ, operations=("get_user_machines",), permissions=("Machine.ReadWrite.All",))
async def get_user_machines(context: Context, user: User, limit: Limit = 100) -> Json:
    """List the machines that a user logged on to; Microsoft asks for the role that also changes machines.

    `items` are the machines; `more` says that there are others.

    Example:
        also_there:
          action: defender.get_user_machines
          with: {user: "${trigger.alert.relatedUser.userName}"}
    """
    return listed(context, await context.defender.list("get_user_machines", limit=limit, account_name=user))
