"""What is found about an installation, in words and with what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: a failure keeps hosts from being contained or proof from being kept, a warning may come to that."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` says what to do, and is empty where all is well."""

    check: str
    level: Level
    said: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Level:
        """The worst level of any."""
        levels = [each.level for each in self.findings]
        return next((level for level in (Level.FAILURE, Level.WARNING) if level in levels), Level.OK)

    def count(self, level: Level) -> int:
        """Return how many findings are of a level."""
        return sum(each.level == level for each in self.findings)


def ok(check: str, said: str) -> Finding:
    """Return that all is well."""
    return Finding(check, Level.OK, said)


def warning(check: str, said: str, advice: str) -> Finding:
    """Return what should be looked at."""
    return Finding(check, Level.WARNING, said, advice)


def failure(check: str, said: str, advice: str) -> Finding:
    """Return what has to be mended."""
    return Finding(check, Level.FAILURE, said, advice)
