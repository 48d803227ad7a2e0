"""`ringfence rehearsal`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, Limit, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table
from ringfence.playbooks.trials import Kind

if TYPE_CHECKING:
    from ringfence.playbooks.trials import Trial
    from ringfence.rehearsals.playing import Rehearsal
    from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
_SHORT = ("id", "kind", "playbook", "state", "progress", "total", "proven", "detail", "requested_at", "requested_by")
_REST = ("started_at", "finished_at", "cancelled_by")


@app.callback()
def rehearsal() -> None:
    """See what was tried of playbooks without touching anything, and what came of it."""


@app.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[Kind | None, typer.Option(help="rehearsal: played in the simulator.")] = None,
    playbook: Annotated[str | None, typer.Option(help="Only of the playbook with this name.")] = None,
    limit: Limit = 50,
    json_: Json = False,
) -> None:
    """List what was tried, the newest first; it is kept for 30 days, proofs with their versions."""
    from ringfence.playbooks import trials

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: trials.every(tx, organization.id, kind=kind, playbook=playbook, most=limit)
        )
    if json_:
        put({"items": [_short(each) for each in found], "next": None})
        return
    if not found:
        hint("Nothing was tried yet: pages and API ask for it, as does `ringfence playbook prove`.")
        return
    columns = [Column("id"), Column("kind"), Column("state"), Column("playbook", flexible=True), Column("asked for")]
    rows: list[list[Any]] = [
        [each.id, each.kind.value, styled(each.state.value), each.playbook, age(each.requested_at), each.requested_by]
        for each in found
    ]
    table([*columns, Column("by", optional=True)], rows)


@app.command()
def show(
    context: typer.Context,
    rehearsal: Annotated[str, typer.Argument(metavar="ID", help="As `ringfence rehearsal list` names it.")],
    json_: Json = False,
) -> None:
    """Say what came of what was tried, step by step; masked fields and known secrets are not shown."""
    from ringfence.cli import playbook_backtest, playbook_prove
    from ringfence.playbooks import proofs, trials
    from ringfence.rehearsals import playing, trying

    called = invocation(context)
    with called.opened() as installation:
        organization = called.organization(installation)

        def look(tx: "Transaction") -> "tuple[Trial, Rehearsal | None]":
            trial = trials.get(tx, organization.id, rehearsal)
            return trial, playing.result_of(tx, trial, installation.catalogue, installation.vault)

        trial, played = installation.database.read_now(look)
    proof, past = proofs.result_of(trial) if trial.kind is Kind.PROOF else None, trying.found_by(trial)
    if json_:
        found = {
            "proof": None if proof is None else proof.model_dump(mode="json"),
            "backtest": None if past is None else form(past),
            "played": None if played is None else form(played),
        }
        put(_short(trial) | found)
    elif proof is not None:
        playbook_prove.tell(trial, as_json=False)
    elif past is not None:
        playbook_backtest.tell(past, 20)
    elif played is not None:
        _tell(trial, played)
    else:
        say(f"{trial.playbook}: {trial.kind.value}, {trial.state.value}. {trial.detail}".strip())


def _short(trial: "Trial") -> dict[str, Any]:
    return {name: form(getattr(trial, name)) for name in (*_SHORT, *_REST)}


def _tell(trial: "Trial", played: "Rehearsal") -> None:
    from ringfence.cli.playbook_dry_run import step, steps_width

    would = "" if played.starts is None else f"{'yes' if played.starts else 'no'}. {played.why}"
    facts(
        [
            ("playbook", trial.playbook),
            ("on", played.on),
            ("would start", would),
            ("simulated host", played.machine),
            ("played time", f"{played.lasted:g} s"),
        ]
    )
    heading("Steps")
    for each in played.report.steps:
        step(each, steps_width(played.report.steps))
    say()
    failed = f": {played.report.error}" if played.report.error else ""
    say(f"The run ended as {played.report.status}{failed}")
    for note in played.notes:
        hint(note)
    hint("It was played in the simulator: nothing real was touched.")
