"""Look up, put in and take out of the lists that the organization keeps."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Connector, Context, Duration, Effect, Json, Release, Result

connector = Connector(
    "table",
    title="Tables",
    version="1.0.0",
    description="Lists that the organization keeps: who is important, what is excluded, who owns what.",
    category="Core",
    releases=(Release("1.0.0", "2026-11-22", "First release: look entries up, put them in and take them out."),),
)

Table = Annotated[str, Field(description="The table, by name.", min_length=1, max_length=100)]
Values = Annotated[
    str | list[str | None] | None,
    Field(description="The value, or several; as a rule ${…}. What is empty or null is left out."),
]


@connector.action(effect=Effect.READ, outcomes=("found", "not_found"))
async def lookup(context: Context, table: Table, value: Values) -> Result:
    """Look a value up, or several, in a table.

    `found`: at least one of them is in the table and has not expired. `not_found`: none is. In a table of networks an address
    is found in every network that holds it, in a table of domains a name below every domain above it; the closest entry wins.
    The output has `entry` (the first that was found, or null), `entries`, and the values as `found` and `missing`.

    Example:
        important:
          action: table.lookup
          with: {table: vips, value: "${trigger.alert.relatedUser.userName}"}
    """
    wanted = _texts(value)
    looked = await context.tables.look_up(table, wanted) if wanted else []
    entries: list[Json] = [each for each in looked if each is not None]
    found: list[Json] = [each for each, entry in zip(wanted, looked, strict=True) if entry is not None]
    missing: list[Json] = [each for each, entry in zip(wanted, looked, strict=True) if entry is None]
    output: Json = {
        "entry": entries[0] if entries else None,
        "entries": entries,
        "found": found,
        "missing": missing,
    }
    return Result("found" if found else "not_found", output)


@connector.action(effect=Effect.WRITE, undo="table.remove", repeatable=True)
async def add(
    context: Context,
    table: Table,
    value: Values,
    note: Annotated[str, Field(description="Why, for people.", max_length=1_000)] = "",
    data: Annotated[
        dict[str, str] | None, Field(description="What else is known of it, by name; lookups give it back.")
    ] = None,
    expires: Annotated[
        Duration | None, Field(description="After which time it counts no more, e.g. 7 d; never if left out.")
    ] = None,
) -> Json:
    """Put a value, or several, into a table; an entry with the same value is replaced.

    Example:
        remember:
          action: table.add
          with: {table: seen-hosts, value: "${trigger.alert.computerDnsName}", expires: 7 d, note: Was looked at}
    """
    wanted = _texts(value)
    until = context.now() + expires.timedelta if expires else None
    added = 0
    if wanted:
        added = await context.tables.put(
            table, wanted, note=note, data=data or {}, expires_at=until, key=context.step_key
        )
        context.log("info", f"{len(wanted)} put into {table}.")
    return {"added": added, "replaced": len(wanted) - added}


@connector.action(effect=Effect.WRITE, undo="table.add", repeatable=True)
async def remove(context: Context, table: Table, value: Values) -> Json:
    """Take a value, or several, out of a table; those that are not there are no error.

    Example:
        forget:
          action: table.remove
          with: {table: seen-hosts, value: "${trigger.alert.computerDnsName}"}
    """
    wanted = _texts(value)
    removed = await context.tables.take_out(table, wanted) if wanted else 0
    return {"removed": removed}


def _texts(value: str | list[str | None] | None) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(each for each in given if each is not None and each.strip()))
