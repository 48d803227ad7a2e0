"""`ringfence approval`."""

from typing import Annotated, Any

import typer

from ringfence.approvals import service
from ringfence.approvals.model import Approval
from ringfence.cli.documents import form, put
from ringfence.cli.invocation import By, Cursor, Json, Limit, invocation, who
from ringfence.cli.moments import age, exact
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.cli.visible import visible
from ringfence.containment import asking

app = typer.Typer(no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The question's id.")]
Comment = Annotated[str, typer.Option(help="Why, in a few words; it is kept with the answer.")]
COLUMNS = [
    Column("id"),
    Column("state"),
    Column("question", flexible=True),
    Column("asked", optional=True),
    Column("over"),
    Column("for", flexible=True, optional=True),
]


@app.callback()
def approval() -> None:
    """Answer the questions that policy and playbooks ask people."""


@app.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    json_: Json = False,
) -> None:
    """List the questions that wait for an answer, the newest first."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        page = installation.database.read_now(
            lambda tx: service.page(tx, organization.id, open_only=not all_, cursor=cursor, limit=limit)
        )
    if json_:
        put({"items": [described(each) for each in page.items], "next": page.next})
        return
    if not page.items:
        hint("No question was ever asked." if all_ else "Nobody waits for an answer; --all lists what is over.")
        return
    table(COLUMNS, [_row(each) for each in page.items])
    if page.next:
        hint(f"There are more: --cursor {page.next}")


@app.command()
def show(context: typer.Context, approval_id: Id, json_: Json = False) -> None:
    """Show one question: why it is asked, the facts that it is bound to, who may answer, and what was answered."""
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(lambda tx: service.get(tx, approval_id, organization_id=organization.id))
    if json_:
        put(described(found))
        return
    question = found.question
    say(question.text)
    facts(
        [
            ("state", styled(found.state)),
            ("detail", found.detail),
            ("asked by", question.asked_by),
            ("asked", exact(found.asked_at)),
            ("over", exact(found.expires_at) if found.open else ""),
            ("escalated", exact(found.escalated_at) if found.escalated_at else ""),
            ("may answer", _people(found)),
            ("must approve", str(question.needed)),
            ("about", f"{question.subject.value} {question.subject_id}"),
            ("undo", asking.undo(found)),
        ]
    )
    if question.reasons:
        heading("Why people are asked")
        for reason in question.reasons:
            say(f"  {reason}")
    if question.bound_to:
        heading("Bound to these facts")
        facts((f"  {name}", visible(_shown(value))) for name, value in question.bound_to.items())
    if found.answers:
        heading("Answers")
        columns = [Column("who"), Column("answer"), Column("when"), Column("by"), Column("comment", flexible=True)]
        rows: list[list[Any]] = [
            [each.by, styled("approved" if each.yes else "rejected"), age(each.at), each.via, each.comment]
            for each in found.answers
        ]
        table(columns, rows)


@app.command()
def approve(context: typer.Context, approval_id: Id, comment: Comment = "", by: By = None, json_: Json = False) -> None:
    """Say yes; it counts if you may answer and did not ask for it yourself."""
    _answer(context, approval_id, yes=True, comment=comment, by=by, json_=json_)


@app.command()
def reject(context: typer.Context, approval_id: Id, comment: Comment = "", by: By = None, json_: Json = False) -> None:
    """Say no, which ends the question."""
    _answer(context, approval_id, yes=False, comment=comment, by=by, json_=json_)


def _answer(context: typer.Context, approval_id: str, *, yes: bool, comment: str, by: str | None, json_: bool) -> None:
    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        after = installation.database.run_now(
            lambda tx: asking.answer(
                tx,
                approval_id,
                organization_id=organization.id,
                by=who(by),
                yes=yes,
                via="command line",
                comment=comment,
            )
        )
    if json_:
        put(described(after))
        return
    missing = after.question.needed - after.yeses
    say(after.detail or f"Noted. {missing} more must approve it.")


def described(found: Approval) -> dict[str, Any]:
    """Return a question as JSON, flat, as the API has it."""
    document: dict[str, Any] = form(found)
    question: dict[str, Any] = document.pop("question")
    question["question"] = question.pop("text")
    return document | question | {"may_answer": list(found.may_answer), "undo": asking.undo(found)}


def _row(found: Approval) -> list[Any]:
    over = age(found.expires_at) if found.open else age(found.closed_at)
    return [found.id, styled(found.state), found.question.text, age(found.asked_at), over, _people(found)]


def _people(found: Approval) -> str:
    return ", ".join(found.may_answer) or "everybody who may contain"


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
