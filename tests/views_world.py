"""People of one organization, for tests of what each of them keeps of lists."""

from ringfence.organizations import members
from ringfence.organizations import service as organizations
from ringfence.security.rbac import Actor, Role
from ringfence.storage import Database, Transaction

ROLES = {"megan": Role.ORGANIZATION_ADMINISTRATOR, "alex": Role.ANALYST, "ines": Role.READ_ONLY}


def people(database: Database) -> dict[str, Actor]:
    """Make an organization with people of some roles, and return who they are when they ask."""

    def work(tx: Transaction) -> dict[str, Actor]:
        here = organizations.ensure_default(tx).id
        found = {}
        for name, role in ROLES.items():
            user_id = members.ensure(tx, here, name, role)
            actor = members.actor(tx, user_id, here, label=name, how="session")
            assert actor is not None
            found[name] = actor
        return found

    return database.run_now(work)
