"""Tell an error: what is wrong, what to do next; in words or, with --json, as the last line of stderr."""

import json
import sys
import traceback
from dataclasses import dataclass

import typer

from ringfence.cli.visible import visible
from ringfence.errors import Invalid, RingfenceError

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Told:
    """An error as people and programs are told of it."""

    code: str
    message: str
    advice: str = ""
    problems: tuple[str, ...] = ()


def explain(error: BaseException) -> Told:
    """Say what an error means; of one that nobody expected, only its class and its first line, without secrets."""
    if isinstance(error, RingfenceError):
        problems = error.problems if isinstance(error, Invalid) else ()
        return Told(error.code, error.message, error.advice, problems)
    from ringfence.actions import ActionError

    if isinstance(error, ActionError):
        return Told(error.code, error.message, error.advice)
    from ringfence.defender import DefenderError

    if isinstance(error, DefenderError):
        return Told(error.code, error.message or error.code, error.advice)
    from ringfence.logs import redact

    said = str(redact((str(error).splitlines() or [""])[0]))[:_LONGEST]
    message = f"Something unexpected went wrong: {type(error).__name__}{': ' if said else ''}{said}"
    return Told("unexpected", message, "To see where, run it again with `ringfence --log-level debug …`.")


def tell(error: BaseException, *, as_json: bool, debug: bool) -> None:
    """Write an error to stderr; nothing goes to stdout."""
    told = explain(error)
    if debug and told.code == "unexpected":
        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        document = {"code": told.code, "message": told.message, "advice": told.advice}
        more = {"problems": list(told.problems)} if told.problems else {}
        typer.echo(json.dumps({"error": {**document, **more}}), err=True)
        return
    for problem in told.problems:
        # The sentences of the problems may be the message itself.
        if problem not in told.message:
            typer.echo(visible(problem), err=True)
    typer.secho("Error: ", err=True, nl=False, fg="red", bold=True)
    typer.echo(visible(told.message), err=True)
    if told.advice:
        typer.echo(visible(told.advice), err=True)
