"""PostgreSQL's row-level security: the web side works as a role that sees one organization's rows, even where a query forgets to.

The tables belong to the user of RINGFENCE_DATABASE_URL, whom no policy holds: the worker, the command line, migrations and
`pg_dump` see everything. A transaction of the web side takes the role `ringfence_web` on and says whose rows it is about; both
end with the transaction. The policies are brought up after every upgrade from what the tables are, so that a new table with
an `organization_id` has one at once.
"""

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from ringfence.errors import Misconfigured
from ringfence.storage.scope import Scope
from ringfence.storage.tables.schema import metadata

ROLE: Final = "ringfence_web"
_POLICY: Final = "ringfence_organization"
# One statement: each round trip would be paid by every request.
ENTER: Final = sa.text(
    "SELECT set_config('role', :role, true), set_config('ringfence.organization', :organization, true), "
    "set_config('ringfence.user', :user, true)"
)
LEAVE: Final = sa.text("SELECT set_config('role', 'none', true)")

_HERE: Final = "organization_id = current_setting('ringfence.organization', true)"
_ME: Final = "current_setting('ringfence.user', true)"
_MEMBER: Final = (
    "EXISTS (SELECT FROM memberships m WHERE m.user_id = users.id "
    "AND m.organization_id = current_setting('ringfence.organization', true))"
)
# What may be seen, and what may be written.
_SPECIAL: Final[Mapping[str, tuple[str, str]]] = {
    "organizations": (
        "id = current_setting('ringfence.organization', true)",
        "id = current_setting('ringfence.organization', true)",
    ),
    # People may work in several organizations; each of these sees them, and everybody sees themselves.
    "users": (f"id = {_ME} OR {_HERE} OR {_MEMBER}", f"id = {_ME} OR {_HERE} OR {_MEMBER}"),
    "sessions": (f"user_id = {_ME} OR {_HERE}", f"user_id = {_ME} OR {_HERE}"),
    # The provider's layers of policy count for all, and are the installation's to change.
    "policies": (f"{_HERE} OR organization_id IS NULL", _HERE),
}


def protected() -> dict[str, tuple[str, str]]:
    """Return what may be seen and written of each table that has rows of organizations, by the table's name."""
    ours = {table.name: (_HERE, _HERE) for table in metadata.sorted_tables if "organization_id" in table.c}
    return ours | dict(_SPECIAL)


def protect(connection: sa.Connection) -> None:
    """Bring role, grants and policies up to what the tables are; Misconfigured where the role cannot be made."""
    _ensure_role(connection)
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    there = set(sa.inspect(connection).get_table_names())
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table.name in there)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {ROLE}")
    connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {names} TO {ROLE}")
    connection.exec_driver_sql(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {ROLE}")
    for name, (seen, written) in protected().items():
        if name not in there:
            continue
        connection.exec_driver_sql(f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY')
        connection.exec_driver_sql(f'DROP POLICY IF EXISTS {_POLICY} ON "{name}"')
        connection.exec_driver_sql(
            f'CREATE POLICY {_POLICY} ON "{name}" TO {ROLE} USING ({seen}) WITH CHECK ({written})'
        )


def enter(connection: sa.Connection, scope: Scope) -> None:
    """Let the rest of a transaction see and write only what is in scope."""
    values = {"role": ROLE, "organization": scope.organization_id, "user": scope.user_id}
    connection.execute(ENTER, values)


def _ensure_role(connection: sa.Connection) -> None:
    known = connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'").scalar()
    if known is None:
        able = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        if not connection.exec_driver_sql(able).scalar():
            raise _unable(connection)
        # Roles are the server's: another database on it may make this one at the same moment.
        connection.exec_driver_sql(
            f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    member = f"SELECT pg_has_role(current_user, '{ROLE}', 'MEMBER')"
    if not connection.exec_driver_sql(member).scalar():
        admin = f"SELECT pg_has_role(current_user, '{ROLE}', 'MEMBER WITH ADMIN OPTION')"
        if not connection.exec_driver_sql(admin).scalar():
            raise _unable(connection)
        connection.exec_driver_sql(f"GRANT {ROLE} TO CURRENT_USER")


def _unable(connection: sa.Connection) -> Misconfigured:
    user = connection.exec_driver_sql("SELECT quote_ident(current_user)").scalar_one()
    return Misconfigured(
        f"The pages need the PostgreSQL role {ROLE}, and this user may not make it, or is not in it.",
        advice=f"Let an administrator of PostgreSQL say once: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO {user};",
    )
