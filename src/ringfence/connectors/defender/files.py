"""Files: what Microsoft knows of them, and where in the organization they were seen."""

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import hours, listed
from ringfence.connectors.defender.inputs import FileHash, Limit, LookBack, Sha1


@connector.action(effect=Effect.READ, operations=("get_file",), permissions=("File.Read.All",))
async def get_file(context: Context, file: FileHash) -> Json:
    """Read what Microsoft knows of a file: its size, publisher, certificate, verdict and how common it is in the world.

    Example:
        file:
          action: defender.get_file
          with: {file: "${trigger.alert.evidence[0].sha1}"}
    """
    return await context.defender.read("get_file", file_hash=file)


@connector.action(effect=Effect.READ, operations=("get_file_stats",), permissions=("File.Read.All",))
async def get_file_stats(context: Context, file: FileHash, look_back: LookBack = None) -> Json:
    """Read how widespread a file is in the organization, since when, and under which names.

    Example:
        spread:
          action: defender.get_file_stats
          with: {file: "${trigger.alert.evidence[0].sha1}", look_back: 7 d}
    """
    return await context.defender.read("get_file_stats", file_hash=file, look_back_hours=hours(look_back))


@connector.action(effect=Effect.READ, operations=("get_file_alerts",), permissions=("Alert.Read.All",))
async def get_file_alerts(context: Context, file: Sha1, limit: Limit = 100) -> Json:
    """List the alerts that a file is part of; none for a file that is not known.

    `items` are the alerts; `more` says that there are others.

    Example:
        same_file:
          action: defender.get_file_alerts
          with: {file: "${trigger.alert.evidence[0].sha1}"}
    """
    return listed(context, await context.defender.list("get_file_alerts", limit=limit, file_sha1=file))


@connector.action(effect=Effect.READ, operations=("get_file_machines",), permissions=("Machine.Read.All",))
async def get_file_machines(context: Context, file: Sha1, limit: Limit = 100) -> Json:
    """List the machines on which a file was seen; none for a file that is not known.

    `items` are the machines; `more` says that there are others.

    Example:
        also_there:
          action: defender.get_file_machines
          with: {file: "${trigger.alert.evidence[0].sha1}"}
    """
    return listed(context, await context.defender.list("get_file_machines", limit=limit, file_sha1=file))
