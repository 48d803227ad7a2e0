"""Scores of the organization."""

from ringfence.defender.documents.exposure import Score
from ringfence.defender.operations.base import Operations


class ScoreOperations(Operations):
    """What can be asked of scores."""

    async def get_exposure_score(self) -> Score:
        """Read how exposed the organization is: 0 to 100, less is better.

        Needs Score.Read.All; page get-exposure-score.
        """
        return await self._entity("get_exposure_score", Score)

    async def get_device_secure_score(self) -> Score:
        """Read how well the organization's devices are configured: more is better.

        Needs Score.Read.All; page get-device-secure-score.
        """
        return await self._entity("get_device_secure_score", Score)
