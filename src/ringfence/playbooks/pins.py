"""Pin what a playbook calls: a published version names the versions of its components. Inside the caller's transaction."""

import sqlalchemy as sa

from ringfence.playbooks.calls import CALL, called
from ringfence.playbooks.document import read
from ringfence.playbooks.editing import Editor
from ringfence.storage import Transaction
from ringfence.storage.tables import playbook_versions, playbooks


def pinned(tx: Transaction, organization_id: str, source: str) -> str:
    """Return the text of a playbook in which each call names a version: the newest of today where none was written.

    Everything else stays as it was written; a component that is not there is left as it is.
    """
    playbook = read(source).playbook if CALL in source else None
    if playbook is None:
        return source
    missing = {name: found[0] for name, step in playbook.steps.items() if (found := called(step)) and not found[1]}
    if not missing:
        return source
    version = playbook_versions.c
    newest = (
        sa.select(playbooks.c.name, version.major, version.minor)
        .join(playbook_versions, version.id == playbooks.c.active_version_id)
        .where(playbooks.c.organization_id == organization_id, playbooks.c.name.in_(set(missing.values())))
    )
    numbers = {row["name"]: f"{row['major']}.{row['minor']}" for row in tx.all(newest)}
    editor = Editor(source)
    for step, component in missing.items():
        if component in numbers:
            editor.set(("steps", step, "with", "version"), numbers[component])
    return editor.text
