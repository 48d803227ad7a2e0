"""`ringfence organization`."""

from typing import Annotated

import typer

from ringfence.cli.documents import form, put
from ringfence.cli.invocation import Json, invocation
from ringfence.cli.moments import age
from ringfence.cli.terminal import Column, say, table
from ringfence.containment import closing
from ringfence.diagnosis import board
from ringfence.organizations import service
from ringfence.organizations.members import Place
from ringfence.organizations.model import Organization, State
from ringfence.playbooks import naming
from ringfence.security.rbac import Role
from ringfence.storage import Transaction

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The organization's name.")]
Reason = Annotated[str, typer.Option(help="Why, as its people will read it.")]


@app.callback()
def organization() -> None:
    """Make, rename, freeze, close and open organizations, which are strictly apart."""


@app.command("list")
def list_(context: typer.Context, json_: Json = False) -> None:
    """List all organizations and how they stand."""
    with invocation(context).opened() as installation:
        found = installation.database.read_now(service.every)
    if json_:
        put({"items": [form(each) for each in found], "next": None})
        return
    columns = [Column("name"), Column("stands"), Column("since", optional=True), Column("why", flexible=True)]
    table(
        columns,
        [[each.name, each.state, age(each.state_since or each.created_at), each.state_reason] for each in found],
    )


@app.command("board")
def board_(context: typer.Context, json_: Json = False) -> None:
    """Show how all organizations fare, side by side: what is open in each, what is isolated, and what fails."""

    def look(tx: Transaction) -> list[board.Line]:
        return board.lines(tx, [Place(each, Role.SYSTEM_ADMINISTRATOR) for each in service.every(tx)])

    with invocation(context).opened() as installation:
        found = installation.database.read_now(look)
    if json_:
        put({"items": [_line(each) for each in found], "next": None})
        return
    columns = [
        Column("name"),
        *(Column(each.lower(), optional=each == "Informational") for each in board.SEVERITIES),
        Column("isolated"),
        Column("contained in", optional=True),
        Column("services", optional=True),
        Column("accounts", optional=True),
        Column("failed runs"),
        Column("budget left", optional=True),
    ]
    table(columns, [_cells(each) for each in found])


def _line(line: board.Line) -> dict[str, object]:
    median, most = line.contain.median, line.contain.most
    return {
        "organization": form(line.place.organization),
        "open_alerts": dict(line.alerts),
        "hosts_isolated": line.isolated,
        "oldest_isolation_at": form(line.oldest),
        "contained": line.contain.many,
        "contain_median": form(median),
        "contain_p95": form(most),
        "services_troubled": line.services,
        "accounts_troubled": line.accounts,
        "runs_failed": line.failed,
        "budget_left": line.budget_left,
    }


def _cells(line: board.Line) -> list[str]:
    isolated = f"{line.isolated}, oldest {age(line.oldest)}" if line.oldest else str(line.isolated or "")
    median = line.contain.median
    return [
        line.place.organization.name,
        *(str(line.alerts.get(each) or "") for each in board.SEVERITIES),
        isolated,
        "" if median is None else f"{median.total_seconds():.0f} s",
        *(str(many or "") for many in (line.services, line.accounts, line.failed)),
        "" if line.budget_left is None else f"{line.budget_left} %",
    ]


@app.command()
def create(context: typer.Context, name: Name, json_: Json = False) -> None:
    """Make an organization; invite its people with `ringfence --organization NAME user invite`."""
    with invocation(context).opened() as installation:
        made = installation.database.run_now(lambda tx: service.create(tx, name))
    _tell(made, f"{made.name} is made.", as_json=json_)


@app.command()
def rename(
    context: typer.Context, name: Name, to: Annotated[str, typer.Argument(help="Its new name.")], json_: Json = False
) -> None:
    """Give an organization another name; its history keeps the old one."""
    with invocation(context).opened() as installation:
        found = installation.database.run_now(
            lambda tx: naming.rename_organization(tx, service.by_name(tx, name).id, to)
        )
    _tell(found, f"{name} is called {found.name} now.", as_json=json_)


@app.command()
def freeze(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Begin nothing new in an organization: playbooks start nothing, no host is contained. Releases go on."""
    _stand(context, name, State.FROZEN, reason, as_json=json_)


@app.command()
def close(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Let only System Administrators into an organization, and read no more alerts; refused while it holds a host."""
    _stand(context, name, State.CLOSED, reason, as_json=json_)


@app.command("open")
def open_(context: typer.Context, name: Name, reason: Reason, json_: Json = False) -> None:
    """Open an organization that is frozen or closed; its playbooks and services go on as they were."""
    _stand(context, name, State.ACTIVE, reason, as_json=json_)


def _stand(context: typer.Context, name: str, to: State, reason: str, *, as_json: bool) -> None:
    def work(tx: Transaction) -> Organization:
        found = service.by_name(tx, name)
        return closing.close(tx, found.id, reason) if to is State.CLOSED else service.stand(tx, found.id, to, reason)

    with invocation(context).opened() as installation:
        found = installation.database.run_now(work)
    _tell(found, f"{found.name} is {found.state}.", as_json=as_json)


def _tell(found: Organization, sentence: str, *, as_json: bool) -> None:
    if as_json:
        put({"organization": form(found)})
    else:
        say(sentence)
