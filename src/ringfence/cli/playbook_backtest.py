"""`ringfence playbook backtest`: a playbook over the alerts of the last days."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.playbook_dry_run import source
from ringfence.cli.terminal import Column, facts, heading, hint, say, styled, table

if TYPE_CHECKING:
    from ringfence.rehearsals.backtest import Backtest


def backtest(
    context: typer.Context,
    playbook: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file, - for stdin, or a published playbook.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days to go back.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many starts and hosts to list at most.")] = 20,
    json_: Json = False,
) -> None:
    """Say what a playbook would have started over the stored alerts of the last days, and which hosts it would have contained.

    No call leaves. What only a run would have known, such as what people answer, is taken for what leads to a containment.
    """
    from ringfence.rehearsals.backtest import backtest as go

    called = invocation(context)
    with called.opened() as installation:
        text = source(called, installation, playbook)
        organization = called.organization(installation)
        found = installation.database.read_now(
            lambda tx: go(tx, organization, text, installation.catalogue, days=days, path=playbook)
        )
    if json_:
        put({**form(found), "problems": [each.to_json() for each in found.problems]})
    else:
        tell(found, limit)


def tell(found: "Backtest", limit: int) -> None:
    """Say what a backtest found, at most so many starts and hosts of it."""
    facts(
        [
            ("playbook", found.playbook),
            ("since", f"{found.since:%Y-%m-%d %H:%M} UTC"),
            ("alerts", f"{found.alerts} in {found.versions} versions"),
            ("would have started", f"{found.started} runs; {found.joined} more alerts would have joined them"),
            (
                "hosts",
                f"{found.contained} contained at once, {found.asked} after people were asked; {found.denied} denials",
            ),
        ]
    )
    if found.starts:
        heading("Runs, the newest first")
        columns = [Column("when"), Column("alert", flexible=True), Column("machine", flexible=True), Column("joined")]
        rows = [[f"{each.at:%m-%d %H:%M}", each.title, each.machine or "", str(each.joined)] for each in found.starts]
        table(columns, rows[:limit])
        _more(found.started, len(rows[:limit]))
    if found.not_started:
        heading("Why the others would not have started it")
        columns = [Column("versions", right=True), Column("why"), Column("for example", flexible=True)]
        table(
            columns,
            [
                [str(each.count), each.condition or each.verdict, f"{each.title}: {each.reason}"]
                for each in found.not_started
            ],
        )
    if found.hosts:
        heading("Hosts")
        columns = [
            Column("host", flexible=True),
            Column("first"),
            Column("policy"),
            Column("times", right=True),
            Column("if", flexible=True),
            Column("because", flexible=True, optional=True),
        ]
        rows_: list[list[str | Text]] = [
            [
                f"{host.name or host.machine or 'not known beforehand'}{' *' if host.assumed else ''}",
                f"{host.first_at:%m-%d %H:%M}",
                styled(host.outcome),
                str(sum(host.outcomes.values())),
                " and ".join(host.conditions),
                " ".join(host.reasons),
            ]
            for host in found.hosts[:limit]
        ]
        table(columns, rows_)
        _more(len(found.hosts), len(rows_))
    if found.brakes:
        heading("Brakes that would have tripped")
        for brake in found.brakes:
            until = f", until {brake.until:%m-%d %H:%M}" if brake.until is not None else ", to the end"
            say(f"{brake.at:%m-%d %H:%M}{until}: {brake.sentence} It would have refused {brake.refused}.")
    say()
    for note in found.notes:
        hint(note)
    hint("No call has left: all of this is from stored alerts.")


def _more(all_of_them: int, shown: int) -> None:
    if all_of_them > shown:
        hint(f"{all_of_them - shown} more: --limit, or --json.")
