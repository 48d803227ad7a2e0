"""Ask people by tasks: forms on incidents, which a workflow waits for."""

from typing import Annotated

from pydantic import Field

from ringfence.actions import Connector, Context, Duration, Effect, Form, Json, Release, Result, Wait

connector = Connector(
    "task",
    title="Tasks",
    version="1.0.0",
    description="Put tasks with forms on incidents, and go on with what people filled in.",
    category="Response",
    releases=(
        Release("1.0.0", "2026-11-22", "First release: tasks with forms, and waiting until they are filled in."),
    ),
)


@connector.action(effect=Effect.WRITE, outcomes=("done", "cancelled", "expired"), repeatable=True)
async def ask(
    context: Context,
    title: Annotated[str, Field(description="What is to be done.", min_length=1)],
    form: Annotated[
        Form,
        Field(
            description="The fields, by name, each with type (text, choice, number, boolean, date), label, required, choices."
        ),
    ],
    text: Annotated[str, Field(description="What people should know; several lines are welcome.")] = "",
    assignee: Annotated[str, Field(description="For whom it is: a person or a team, by name.")] = "",
    due: Annotated[
        Duration | None, Field(description="How long people have, e.g. 4 h; at most 90 d, for ever if left out.")
    ] = None,
    incident: Annotated[
        int | None,
        Field(description="The incident's number; the one that the run is about if left out.", ge=1, le=999_999_999),
    ] = None,
) -> Result | Wait:
    """Put a task with a form on an incident, and wait until somebody has filled it in; the run is parked meanwhile.

    `done`: the form was filled in; later steps see its fields as steps.NAME.form.FIELD. `cancelled`: somebody said that it
    will not be done, or the incident was resolved first. `expired`: nobody did it in time. People fill it in on the page of
    the incident, by command line or by API; what does not fit the fields is refused there.

    Example:
        call:
          action: task.ask
          with:
            title: "Call ${trigger.incident.owner}"
            assignee: tier-1
            due: 4 h
            form:
              reached: {type: boolean, label: Was the user reached?, required: true}
              verdict: {type: choice, choices: [expected, unexpected]}
              remarks: {type: text, lines: 4}
    """
    if context.resumed is None:
        found = await context.incidents.ask(
            incident=incident,
            title=title,
            text=text,
            form=form,
            assignee=assignee,
            due_in=due.seconds if due else None,
            key=context.step_key,
        )
        context.log("info", f"Task {found.task} stands on incident #{found.incident}.", incident=found.incident)
    else:
        found = await context.incidents.standing(context.step_key)
    if found.state == "open":
        return Wait(until=found.due_at, topics=(found.topic,), state={"task": found.task})
    output: dict[str, Json] = {
        "incident": found.incident,
        "task": found.task,
        "form": dict(found.form or {}),
        "by": found.by,
        "at": found.at,
    }
    context.log("info", f"Task {found.task} is {found.state}.", incident=found.incident)
    return Result(found.state, output)
