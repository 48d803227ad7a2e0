"""Which application permissions an account needs, what for, and how they compare with those that it was granted. Pure.

What is needed comes from the features that were chosen for the account and from the playbooks that run with it. Names of
roles are compared without regard to case: Microsoft's pages and Entra spell some of them differently (URL.Read.All).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from ringfence.defender import OPERATIONS, Api
from ringfence.errors import Invalid

API_NAMES: Final[Mapping[Api, str]] = {
    Api.MDE: "WindowsDefenderATP",
    Api.XDR: "Microsoft Threat Protection",
    Api.GRAPH: "Microsoft Graph",
}
"""What the app registration calls each API."""


PURPOSES: Final[Mapping[str, str]] = {
    "AdvancedHunting.Read.All": "run hunting queries of Defender XDR",
    "AdvancedQuery.Read.All": "run hunting queries on Defender's tables",
    "Alert.Read.All": "read alerts",
    "Alert.ReadWrite.All": "read alerts and write results back to them",
    "File.Read.All": "look files up",
    "Incident.Read.All": "read incidents of Defender XDR",
    "Incident.ReadWrite.All": "read and change incidents of Defender XDR",
    "Ip.Read.All": "look addresses up",
    "Library.Manage": "manage the scripts of live response",
    "Machine.CollectForensics": "collect forensic packages",
    "Machine.Isolate": "isolate machines and release them",
    "Machine.LiveResponse": "run live response",
    "Machine.Offboard": "offboard machines",
    "Machine.Read.All": "look machines and their actions up",
    "Machine.ReadWrite.All": "look machines up and tag them",
    "Machine.RestrictExecution": "restrict which programs run on a machine",
    "Machine.Scan": "scan machines",
    "Machine.StopAndQuarantine": "stop and quarantine files",
    "Score.Read.All": "read exposure scores",
    "SecurityAlert.Read.All": "read alerts from Microsoft Graph",
    "SecurityAlert.ReadWrite.All": "read and change alerts of Microsoft Graph",
    "SecurityIncident.Read.All": "read incidents from Microsoft Graph",
    "SecurityIncident.ReadWrite.All": "read and change incidents of Microsoft Graph",
    "SecurityRecommendation.Read.All": "read security recommendations",
    "Software.Read.All": "read what is installed on machines",
    "ThreatHunting.Read.All": "run hunting queries of Microsoft Graph",
    "Ti.ReadWrite": "make and remove indicators",
    "Ti.ReadWrite.All": "make and remove indicators",
    "URL.Read.All": "look domains up",
    "User.Read.All": "see who was logged on to a machine",
    "Vulnerability.Read.All": "read vulnerabilities",
}
"""What each role that an operation asks for lets Ringfence do."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that an account can be used for, and the least roles that it takes; `always` cannot be left out."""

    id: str
    title: str
    about: str
    roles: tuple[tuple[Api, str], ...]
    always: bool = False


def _mde(*roles: str) -> tuple[tuple[Api, str], ...]:
    return tuple((Api.MDE, role) for role in roles)


_ALL: Final = (
    Feature(
        "contain",
        "Read alerts, contain and release hosts",
        "what Ringfence is for; nothing works without it",
        _mde("Alert.Read.All", "Machine.Read.All", "Machine.Isolate"),
        always=True,
    ),
    Feature(
        "write_back",
        "Write back to alerts",
        "comments, status and classification in Defender say what became of an alert",
        _mde("Alert.ReadWrite.All"),
    ),
    Feature("users", "See who was logged on", "policy and people see whose machine it is", _mde("User.Read.All")),
    Feature(
        "responses",
        "Restrict, scan, quarantine, collect",
        "response actions beside isolation",
        _mde("Machine.RestrictExecution", "Machine.Scan", "Machine.StopAndQuarantine", "Machine.CollectForensics"),
    ),
    Feature(
        "live_response",
        "Live response",
        "scripts and files on a machine, and the library that they come from",
        _mde("Machine.LiveResponse", "Library.Manage"),
    ),
    Feature("offboard", "Offboard machines", "takes machines out of Defender for good", _mde("Machine.Offboard")),
    Feature("tags", "Tag machines", "tags and device values are written", _mde("Machine.ReadWrite.All")),
    Feature("indicators", "Indicators", "files, addresses and domains are blocked or allowed", _mde("Ti.ReadWrite")),
    Feature("hunting", "Advanced hunting", "KQL queries on Defender's tables", _mde("AdvancedQuery.Read.All")),
    Feature(
        "observables",
        "Files, addresses and domains",
        "how widespread something is, and where it was seen",
        _mde("File.Read.All", "Ip.Read.All", "URL.Read.All"),
    ),
    Feature(
        "exposure",
        "Vulnerabilities and exposure",
        "software, vulnerabilities, recommendations and scores",
        _mde("Vulnerability.Read.All", "Software.Read.All", "SecurityRecommendation.Read.All", "Score.Read.All"),
    ),
    Feature(
        "graph_alerts",
        "Alerts of Microsoft Graph security",
        "trigger services may read alerts there, with those of the other Defender products",
        ((Api.GRAPH, "SecurityAlert.Read.All"),),
    ),
    Feature(
        "graph_incidents",
        "Incidents, comments and hunting by Microsoft Graph",
        "playbooks work on Graph's alerts and incidents, and hunt over all Defender products",
        (
            (Api.GRAPH, "SecurityAlert.ReadWrite.All"),
            (Api.GRAPH, "SecurityIncident.ReadWrite.All"),
            (Api.GRAPH, "ThreatHunting.Read.All"),
        ),
    ),
    Feature(
        "xdr",
        "Incidents and hunting of Defender XDR",
        "playbooks work on Defender XDR's own incidents, and hunt there",
        ((Api.XDR, "Incident.ReadWrite.All"), (Api.XDR, "AdvancedHunting.Read.All")),
    ),
)
FEATURES: Final[Mapping[str, Feature]] = {each.id: each for each in _ALL}
"""Everything that an account can be used for, by id, the usual first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A playbook that runs with an account, and the roles that its steps need.

    Without an id it is not a playbook, but calls that Defender refused lately for want of these roles. `by_name`: it names the
    account.
    """

    playbook_id: str
    name: str
    roles: tuple[str, ...]
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """One role that is needed: for which features and playbooks.

    `base` are those that it stands for without which the account is of no use at all; where the need is missing, those of
    them that are missing too. `refused`: Defender lately refused a call for want of it.
    """

    api: Api
    role: str
    features: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    refused: bool = False

    @property
    def essential(self) -> bool:
        """Whether the account is of no use without it."""
        return bool(self.base)

    @property
    def purpose(self) -> str:
        """What it lets Ringfence do, as part of a sentence."""
        return PURPOSES[self.role]

    @property
    def reason(self) -> str:
        """Who needs it: features, playbooks, and calls that were refused."""
        titles = [FEATURES[each].title for each in self.features]
        said = "; ".join(f"{title[0].lower()}{title[1:]}" for title in titles)
        named = ", ".join(self.playbooks)
        playbooks = f"the playbook{'s' if len(self.playbooks) > 1 else ''} {named}" if named else ""
        lately = "a call that Defender refused lately" if self.refused else ""
        return "; ".join(each for each in (said, playbooks, lately) if each)


@dataclass(frozen=True, slots=True)
class Standing:
    """How needs and grants compare; None for an API whose grants are not known."""

    granted: tuple[Need, ...]
    missing: tuple[Need, ...]
    unknown: tuple[Need, ...]
    superfluous: tuple[tuple[Api, str], ...]


def chosen(features: Iterable[str]) -> tuple[str, ...]:
    """Return the features as they are kept: known, in their own order, with those that are always there; else Invalid."""
    wanted = {each.strip() for each in features if each.strip()}
    unknown = sorted(wanted - FEATURES.keys())
    if unknown:
        raise Invalid(f"There is no feature {unknown[0][:40]!r}.", advice=f"There are: {', '.join(FEATURES)}.")
    return tuple(each.id for each in _ALL if each.always or each.id in wanted)


def needs(features: Iterable[str], wishes: Iterable[Wish] = (), *, graph: bool = False) -> tuple[Need, ...]:
    """Return the least roles that features and playbooks need together, none that another of them covers.

    `graph`: a trigger service reads alerts from Microsoft Graph.
    """
    found: dict[tuple[Api, str], Need] = {}

    def take(
        api: Api, role: str, *, feature: str = "", playbook: str = "", base: bool = False, refused: bool = False
    ) -> None:
        before = found.get((api, role), Need(api, role))
        found[api, role] = Need(
            api,
            role,
            before.features + ((feature,) if feature and feature not in before.features else ()),
            before.playbooks + ((playbook,) if playbook and playbook not in before.playbooks else ()),
            (role,) if base else before.base,
            before.refused or refused,
        )

    named = chosen(features)
    for each in (*named, *(("graph_alerts",) if graph and "graph_alerts" not in named else ())):
        for api, role in FEATURES[each].roles:
            take(api, role, feature=each, base=FEATURES[each].always)
    for wish in wishes:
        for role in wish.roles:
            if (known := api_of(role)) is not None:
                take(known, role, playbook=wish.name, refused=not wish.playbook_id)
    return tuple(_joined(list(found.values())))


def _joined(found: Sequence[Need]) -> Iterable[Need]:
    """Give the needs, each wide role with the reasons of the narrower ones that it makes needless."""
    for need in found:
        if any(other is not need and _covers(other, need) for other in found):
            continue
        covered = [other for other in found if other is not need and _covers(need, other)]
        yield Need(
            need.api,
            need.role,
            tuple(dict.fromkeys((*need.features, *(name for each in covered for name in each.features)))),
            tuple(dict.fromkeys((*need.playbooks, *(name for each in covered for name in each.playbooks)))),
            tuple(dict.fromkeys((*need.base, *(role for each in covered for role in each.base)))),
            need.refused or any(each.refused for each in covered),
        )


def _covers(wide: Need, narrow: Need) -> bool:
    return wide.api is narrow.api and wide.role != narrow.role and wide.role in accepted(narrow.api, narrow.role)


@cache
def accepted(api: Api, role: str) -> frozenset[str]:
    """Return the roles with any of which every operation works for which this one is enough; itself among them."""
    enough = [set(each.permissions) for each in OPERATIONS.values() if each.api is api and role in each.permissions]
    return frozenset(set.intersection(*enough)) if enough else frozenset((role,))


@cache
def api_of(role: str) -> Api | None:
    """Return the API that a role of an action is for, None for one that no operation asks for."""
    return next((each.api for each in OPERATIONS.values() if role in each.permissions), None)


def has(granted: Iterable[str], api: Api, role: str) -> bool:
    """Tell whether one of the granted roles is enough."""
    return not {each.casefold() for each in granted}.isdisjoint(each.casefold() for each in accepted(api, role))


def compare(needed: Iterable[Need], granted: Mapping[Api, Sequence[str] | None]) -> Standing:
    """Compare what is needed with what the tokens hold; an API that is absent, or None, is not known."""
    have: list[Need] = []
    missing: list[Need] = []
    unknown: list[Need] = []
    needed = tuple(needed)
    for need in needed:
        roles = granted.get(need.api)
        if roles is None:
            unknown.append(need)
        elif has(roles, need.api, need.role):
            have.append(need)
        else:
            base = tuple(each for each in need.base if not has(roles, need.api, each))
            missing.append(replace(need, base=base))
    useful = {(need.api, each.casefold()) for need in needed for each in accepted(need.api, need.role)}
    # A narrower role beside a wider one that is needed does no harm that the wider one does not.
    useful |= {(need.api, each.casefold()) for need in needed for each in _ROLES if _narrower(each, need)}
    more = tuple((api, role) for api in Api for role in granted.get(api) or () if (api, role.casefold()) not in useful)
    return Standing(tuple(have), tuple(missing), tuple(unknown), more)


def _narrower(role: str, than: Need) -> bool:
    return api_of(role) is than.api and than.role in accepted(than.api, role)


_ROLES: Final = tuple(sorted({role for each in OPERATIONS.values() for role in each.permissions}))
