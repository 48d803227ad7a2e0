"""People who were let in before there were roles."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command

from ringfence.organizations import members
from ringfence.security.rbac import Role
from ringfence.storage import Database, schema


def test_they_keep_what_they_could_do_and_the_first_of_them_the_installation(tmp_path: Path) -> None:
    old = Database(sa.URL.create("sqlite", database=str(tmp_path / "old.sqlite3")), threads=1)
    configuration = schema.configuration()
    with old.engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0027")
        for organization in ("contoso", "fabrikam"):
            connection.exec_driver_sql(
                f"INSERT INTO organizations (id, name, created_at) VALUES ('{organization}', '{organization}', "
                "'2026-01-01 00:00:00+00:00')"
            )
        for name, organization, day in (("ada", "contoso", 2), ("tom", "fabrikam", 1)):
            connection.exec_driver_sql(
                "INSERT INTO users (id, organization_id, name, created_at) VALUES "
                f"('{name}', '{organization}', '{name}', '2026-01-0{day} 00:00:00+00:00')"
            )
    schema.upgrade(old)
    with old.reading() as tx:
        assert members.administrators(tx) == ["tom"]
        assert members.by_name(tx, "contoso", "ada").role is Role.ORGANIZATION_ADMINISTRATOR
        assert members.by_name(tx, "fabrikam", "tom").role is Role.SYSTEM_ADMINISTRATOR
    old.close()
