"""`ringfence playbook prove`: play a playbook against the simulator, and see that it lets go what it cuts off."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.documents import put
from ringfence.cli.invocation import By, Invocation, Json, invocation, who
from ringfence.cli.terminal import hint, say

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.playbooks.proof import Proof
    from ringfence.playbooks.publishing import Done
    from ringfence.playbooks.trials import Trial
    from ringfence.storage import Transaction

Unproven = Annotated[
    str,
    typer.Option(
        help="Publish it although its release is not proven, and say why; that is written into the audit log."
    ),
]


def prove(
    context: typer.Context,
    playbook: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A file, - for stdin, or a published playbook.")],
    version: Annotated[str, typer.Option(help="A version of the playbook, e.g. 1.2; the newest if left out.")] = "",
    by: By = None,
    json_: Json = False,
) -> None:
    """Play a playbook in the simulator: is what it cuts off confirmed, let go again by its own step or timer, and confirmed?

    Nothing real is touched: the tenant, the database and the clock are made for it and thrown away. The result is kept with the
    version. Status 1 if it is not proven.
    """
    called = invocation(context)
    with called.opened() as installation:
        trial = prove_now(installation, _asked(called, installation, playbook, version, who(by)))
    tell(trial, as_json=json_)
    if not trial.proven:
        raise typer.Exit(1)


def _asked(called: Invocation, installation: "App", playbook: str, version: str, by: str) -> "Trial":
    from ringfence.cli.playbook_dry_run import is_file
    from ringfence.cli.playbook_files import demand
    from ringfence.playbooks import library, pins, proofs, trials
    from ringfence.playbooks.document import read
    from ringfence.playbooks.trials import Kind

    organization = called.organization(installation)

    def of_file(tx: "Transaction") -> "Trial":
        text = demand(playbook)
        problems = installation.publishing.examine(tx, organization.id, text)
        name = library.usable(read(text), problems, playbook).name
        return proofs.request(tx, organization.id, pins.pinned(tx, organization.id, text), name, by)

    def of_version(tx: "Transaction") -> "Trial":
        stored = library.get(tx, organization.id, playbook)
        found = library.version(tx, organization.id, stored.id, version or stored.version)
        source = library.source_of(tx, organization.id, found.id)
        return trials.request(tx, organization.id, Kind.PROOF, stored.name, source, by, version_id=found.id)

    return installation.database.run_now(of_file if is_file(playbook) else of_version)


def prove_now(installation: "App", trial: "Trial") -> "Trial":
    """Carry a proof out here and now, without waiting for a worker, and return it as it ended."""
    from ringfence.playbooks import proofs, trials
    from ringfence.rehearsals.prover import Prover

    database = installation.database
    subject = database.read_now(lambda tx: proofs.subject(tx, trial.organization_id, trial.source))
    proof = asyncio.run(Prover().prove(subject))
    database.run_now(lambda tx: proofs.finish(tx, trial, proof))
    return database.read_now(lambda tx: trials.get(tx, trial.organization_id, trial.id))


def publishing(
    installation: "App",
    publish: Callable[["Transaction"], "Done"],
    again: Callable[["Transaction"], "Done"] | None = None,
) -> "Done":
    """Publish; where the rules demand a proof first, prove it and publish `again`."""
    done = installation.database.run_now(publish)
    if done.trial is None:
        return done
    hint("The rules demand that its release is proven first; this takes some seconds.")
    prove_now(installation, done.trial)
    return installation.database.run_now(again or publish)


def tell(trial: "Trial", *, as_json: bool) -> None:
    """Say what came of a proof."""
    from ringfence.playbooks import proofs

    proof = proofs.result_of(trial)
    if as_json:
        said = {"proven": trial.proven, "detail": trial.detail, "state": trial.state, "id": trial.id}
        put({**said, "playbook": trial.playbook, "proof": None if proof is None else proof.model_dump(mode="json")})
    elif proof is None:
        say(f"It could not be tried. {trial.detail}")
    else:
        _tell(trial.playbook, proof)


def _tell(name: str, proof: "Proof") -> None:
    if not proof.steps:
        say(proof.error or f"{name} cuts nothing off: there is nothing to prove.")
    for step in proof.steps:
        how = {"step": "by a step of its own", "timer": "by its timer"}.get(step.by, "")
        say(f"{step.step} ({step.action}): {f'proven, let go {how}' if step.proven else f'not proven. {step.why}'}")
        hint(f"  played: {step.scene}")
        for sight in step.seen:
            hint(f"  {sight.after:>10g} s  {sight.what}")
        for note in step.notes:
            hint(f"  {note}")
        if step.advice:
            hint(f"  {step.advice}")
