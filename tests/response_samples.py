"""Response actions of Contoso as rows, for tests and pictures of the pages."""

from typing import Any

import sqlalchemy as sa

from contoso import Contoso
from ringfence import clock
from ringfence.responses import service
from ringfence.responses.kinds import Kind
from ringfence.storage import Database
from ringfence.storage.tables import responses


def a_response(database: Database, contoso: Contoso, kind: Kind, target: str = "fin-ws-014", **values: Any) -> str:
    """Ask for a response, give its row these values, and return its id."""

    def work(tx: Any) -> str:
        made = service.request(
            tx,
            organization_id=contoso.organization_id,
            account_id=contoso.account_id,
            kind=kind,
            target=target,
            reason="Ransomware behavior detected in the file system",
            requested_by="playbook Contain ransomware 1.3",
            key=clock.new_id(),
        )
        if values:
            tx.execute(sa.update(responses).where(responses.c.id == made.id).values(values))
        return made.id

    return database.run_now(work)
