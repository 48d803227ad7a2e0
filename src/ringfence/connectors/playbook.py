"""Call components: parts that several playbooks share, with inputs and outputs of their own."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Json, Release

connector = Connector(
    "playbook",
    title="Playbooks",
    version="1.0.0",
    description="Call components, which several playbooks share.",
    category="Core",
    releases=(Release("1.0.0", "2026-11-22", "First release: call components, pinned to a version."),),
)


@connector.action(effect=Effect.PURE)
async def call(
    context: Context,
    component: Annotated[str, Field(description="The name of a published component.", min_length=1)],
    version: Annotated[
        str,
        Field(
            description="Its version, in quotes; publishing writes the newest if it is left out.",
            pattern=r"^([0-9]{1,5}\.[0-9]{1,5})?$",
        ),
    ] = "",
    inputs: Annotated[dict[str, Json] | None, Field(description="Its inputs, by name.")] = None,
) -> Json:
    """Carry out the steps of a component, and go on with its outputs as `steps.NAME`.

    Its steps belong to this run and stand in it as `NAME/STEP`. The call fails if a step of the component failed and
    nothing in there handled it, or if an output is not of its type. The version is pinned when the playbook is published:
    a newer component changes neither playbooks that are published nor runs.

    Example:
        look:
          action: playbook.call
          with: {component: Look up a host, version: "1.0", inputs: {machine: "${trigger.alert.machineId}"}}
    """
    raise ActionError(
        "A component is called in a run only.",
        code="no-run",
        permanent=True,
        advice="Use the step in a playbook.",
    )
