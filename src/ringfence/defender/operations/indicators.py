"""Indicators: values that Defender watches for, warns of or blocks."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ringfence.defender.documents.threats import ImportResult, Indicator
from ringfence.defender.errors import InvalidArgument
from ringfence.defender.odata import moment
from ringfence.defender.operations.base import Operations, batch, required
from ringfence.defender.session import segment

IndicatorType = Literal["FileSha1", "FileMd5", "CertificateThumbprint", "FileSha256", "IpAddress", "DomainName", "Url"]
IndicatorAction = Literal["Alert", "Warn", "Block", "Audit", "BlockAndRemediate", "AlertAndBlock", "Allowed"]
IndicatorSeverity = Literal["Informational", "Low", "Medium", "High"]
MOST_INDICATORS = 500


@dataclass(frozen=True, kw_only=True)
class NewIndicator:
    """An indicator to create or to update; `expiration_time` of None means for ever.

    Audit needs `generate_alert`; Alert and AlertAndBlock are older names for an alert beside Audit and Block.
    """

    indicator_value: str
    indicator_type: IndicatorType
    action: IndicatorAction
    title: str
    description: str
    application: str | None = None
    expiration_time: datetime | None = None
    severity: IndicatorSeverity | None = None
    recommended_actions: str | None = None
    rbac_group_names: Sequence[str] | None = None
    educate_url: str | None = None
    generate_alert: bool | None = None

    def body(self) -> dict[str, Any]:
        """Return the indicator as the service takes it; InvalidArgument for what it would refuse."""
        if self.action == "Audit" and not self.generate_alert:
            raise InvalidArgument("Audit without an alert does nothing.", advice="Set generate_alert to True.")
        values = {
            "indicatorValue": required(self.indicator_value, "indicator value"),
            "indicatorType": self.indicator_type,
            "action": self.action,
            "title": required(self.title, "title"),
            "description": required(self.description, "description"),
            "application": self.application,
            "expirationTime": None if self.expiration_time is None else moment(self.expiration_time),
            "severity": self.severity,
            "recommendedActions": self.recommended_actions,
            "rbacGroupNames": None if self.rbac_group_names is None else list(self.rbac_group_names),
            "educateUrl": self.educate_url,
            "generateAlert": self.generate_alert,
        }
        return {name: value for name, value in values.items() if value is not None}


class IndicatorOperations(Operations):
    """What can be done with indicators."""

    def list_indicators(
        self,
        *,
        filter: str = "",  # noqa: A002 - the query option's own name
        top: int = 1000,
        limit: int | None = None,
    ) -> AsyncIterator[Indicator]:
        """Yield indicators in pages of `top` (1 to 10,000), at most `limit`.

        Needs Ti.ReadWrite or Ti.ReadWrite.All; page get-ti-indicators-collection. With Ti.ReadWrite alone an application
        sees only what it made itself.
        """
        return self._list("list_indicators", Indicator, query={"$filter": filter}, top=top, limit=limit)

    async def submit_indicator(self, indicator: NewIndicator) -> Indicator:
        """Create an indicator, or update the one that is there.

        Needs Ti.ReadWrite or Ti.ReadWrite.All; page post-ti-indicator.
        """
        return await self._entity("submit_indicator", Indicator, body=indicator.body())

    async def import_indicators(self, indicators: Sequence[NewIndicator]) -> list[ImportResult]:
        """Create or update up to 500 indicators; each result says whether its indicator failed.

        Needs Ti.ReadWrite or Ti.ReadWrite.All; page import-ti-indicators.
        """
        batch([each.indicator_value for each in indicators], "indicators", MOST_INDICATORS)
        body = {"Indicators": [each.body() for each in indicators]}
        return await self._value("import_indicators", ImportResult, body=body)

    async def delete_indicator(self, indicator_id: str) -> None:
        """Delete an indicator; after a lost reply it is tried again, and NotFound then means that it is gone.

        Needs Ti.ReadWrite or Ti.ReadWrite.All; page delete-ti-indicator-by-id.
        """
        await self._nothing("delete_indicator", segment(indicator_id, "an indicator id"))

    async def batch_delete_indicators(self, indicator_ids: Sequence[str]) -> None:
        """Delete up to 500 indicators; NotFound if any of them is not there.

        Needs Ti.ReadWrite or Ti.ReadWrite.All; page batch-delete-ti-indicators.
        """
        body = {"IndicatorIds": batch(list(indicator_ids), "indicator ids", MOST_INDICATORS)}
        await self._nothing("batch_delete_indicators", body=body)
