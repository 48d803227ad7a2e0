"""Prove which host is meant: exactly one record, or none and the candidates. Pure.

A target is a Defender machine id, an exact DNS name, or an exact internal IP address. Never a part of a name, never the
first of several, never the external address, which many hosts share.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ringfence.defender.wire import Machine

SEEN_WITHIN = timedelta(days=30)
# Addresses move from host to host: one that was held last week says nothing about who holds it now.
ADDRESS_SEEN_WITHIN = timedelta(days=1)
_MACHINE_ID = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{32}")
_DNS_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")

Kind = Literal["machine id", "DNS name", "IP address"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The one record that is meant, or why there is none, with those that came close."""

    machine: Machine | None
    problem: str = ""
    candidates: tuple[str, ...] = ()


def kind_of(target: str) -> Kind | None:
    """Say what a target is written as; None if it is none of the three, or an address that every host has."""
    if _MACHINE_ID.fullmatch(target):
        return "machine id"
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        return "DNS name" if len(target) <= 255 and _DNS_NAME.fullmatch(target) else None
    shared = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    return None if shared else "IP address"


def _same_name(machine: Machine, target: str) -> bool:
    # Letter case is ignored for ASCII only: other letters have lower cases that look like, or are, ASCII ones.
    name = (machine.computer_dns_name or "").removesuffix(".")
    return name.isascii() and name.lower() == target.removesuffix(".").lower()


def _has_address(machine: Machine, target: str) -> bool:
    wanted = ipaddress.ip_address(target)
    texts = [machine.last_ip_address, *(address.ip_address for address in machine.ip_addresses)]
    for text in texts:
        try:
            if text and ipaddress.ip_address(text) == wanted:
                return True
        except ValueError:
            continue
    return False


def _flaw(machine: Machine, now: datetime, seen_within: timedelta) -> str:
    if machine.merged_into_machine_id:
        return f"merged into {machine.merged_into_machine_id}"
    if machine.is_excluded:
        return "excluded"
    if machine.onboarding_status != "Onboarded":
        return f"not onboarded ({machine.onboarding_status or 'unknown'})"
    if machine.is_potential_duplication:
        return "flagged as a possible duplicate"
    if machine.last_seen is None or machine.last_seen < now - seen_within:
        return f"not seen for {seen_within.days} days"
    return ""


def _describe(machine: Machine, flaw: str) -> str:
    name = machine.computer_dns_name or "no name"
    return f"{name} ({machine.id}){': ' + flaw if flaw else ''}"


def prove(target: str, records: Iterable[Machine], now: datetime) -> Proof:
    """Choose the record that `target` means among those that Defender returned for it.

    An id needs the record with that id and no other test: a person or an alert named it. A name or an address needs exactly
    one record that bears it and is onboarded, seen in the last 30 days (an address: in the last day), not merged, not
    excluded, not a possible duplicate.
    """
    records = list(records)
    within = SEEN_WITHIN
    match kind_of(target):
        case None:
            return Proof(
                None,
                f"{target!r} is not a machine id, a DNS name or an IP address. Give one of these, whole and exact.",
            )
        case "machine id":
            found = [machine for machine in records if machine.id.lower() == target.lower()]
            if found:
                return Proof(found[0])
            return Proof(
                None,
                f"Defender has no device with the id {target}.",
                tuple(_describe(machine, "") for machine in records),
            )
        case "DNS name" as kind:
            bearers = [machine for machine in records if _same_name(machine, target)]
        case "IP address" as kind:
            within = ADDRESS_SEEN_WITHIN
            bearers = [machine for machine in records if _has_address(machine, target)]
    sound = {machine.id.lower(): machine for machine in bearers if not _flaw(machine, now, within)}
    if len(sound) == 1:
        return Proof(next(iter(sound.values())))
    shown = bearers or records
    candidates = tuple(dict.fromkeys(_describe(machine, _flaw(machine, now, within)) for machine in shown))
    if not bearers:
        problem = f"No device bears exactly the {kind} {target}."
    elif not sound:
        problem = f"No device with the {kind} {target} can be contained."
    else:
        problem = f"{len(sound)} devices bear the {kind} {target}, so it is not known which is meant."
    return Proof(None, f"{problem} Name the device by its machine id.", candidates)
