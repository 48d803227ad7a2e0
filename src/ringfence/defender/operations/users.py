"""Users: where they were seen."""

from ringfence.defender.operations.base import Operations
from ringfence.defender.session import segment
from ringfence.defender.wire import Alert, Machine


class UserOperations(Operations):
    """What can be asked of users, by account name (user1, not user1@contoso.com); one not known gives empty answers."""

    async def get_user_alerts(self, account_name: str) -> list[Alert]:
        """Read the alerts that a user is part of.

        Needs Alert.Read.All or Alert.ReadWrite.All; page get-user-related-alerts.
        """
        return await self._collect("get_user_alerts", Alert, segment(account_name, "an account name"))

    async def get_user_machines(self, account_name: str) -> list[Machine]:
        """Read the machines that a user logged on to.

        Needs Machine.ReadWrite.All; page get-user-related-machines.
        """
        return await self._collect("get_user_machines", Machine, segment(account_name, "an account name"))
