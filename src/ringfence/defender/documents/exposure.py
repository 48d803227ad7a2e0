"""Vulnerabilities, software and scores.

The fact book does not catalogue software, recommendations and missing updates: of those only the identity is typed, the
rest is kept as it came.
"""

from pydantic import Field

from ringfence.defender.wire import Document, Many, Moment


class Vulnerability(Document):
    """A vulnerability; `exposed_machines` is None where the list is one machine's."""

    id: str = Field(min_length=1)
    name: str | None = None
    description: str | None = None
    severity: str | None = None
    cvss_v3: float | None = None
    cvss_vector: str | None = None
    exposed_machines: int | None = None
    published_on: Moment | None = None
    updated_on: Moment | None = None
    first_detected: Moment | None = None
    public_exploit: bool | None = None
    exploit_verified: bool | None = None
    exploit_in_kit: bool | None = None
    exploit_types: Many[str] = ()
    exploit_uris: Many[str] = ()
    cve_supportability: str | None = None
    tags: Many[str] = ()
    epss: float | None = None


class ExposedMachine(Document):
    """A machine that a vulnerability exposes."""

    id: str = Field(min_length=1)
    computer_dns_name: str | None = None
    os_platform: str | None = None
    rbac_group_name: str | None = None


class Score(Document):
    """A score of the organization at a time."""

    time: Moment | None = None
    score: float


class Software(Document):
    """A piece of software that a machine has."""

    id: str | None = None
    name: str | None = None
    vendor: str | None = None


class Recommendation(Document):
    """Something that would make a machine safer."""

    id: str | None = None
    product_name: str | None = None
    recommendation_name: str | None = None


class MissingUpdate(Document):
    """A Windows update that a machine lacks."""

    id: str | None = None
    name: str | None = None
