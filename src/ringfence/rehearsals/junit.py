"""The results of tests as JUnit XML, which CI systems show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from ringfence.rehearsals.cases import CaseResult

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one file; `seconds` is how long all of them took, `broken` why none could be carried out."""

    path: str
    playbook: str
    results: tuple[CaseResult, ...]
    seconds: float = 0.0
    broken: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many did not pass; a file that cannot be tested counts as one."""
        return sum(not each.passed for each in self.results) + bool(self.broken)


def write(suites: Sequence[Suite]) -> str:
    """Return the document: one suite for each file, one case for each test."""
    root = Xml.Element("testsuites", name="ringfence playbook test")
    for suite in suites:
        cases = len(suite.results) + bool(suite.broken)
        errors = sum(bool(each.undecided) for each in suite.results) + bool(suite.broken)
        element = Xml.SubElement(
            root,
            "testsuite",
            name=_clean(suite.playbook or suite.path),
            file=_clean(suite.path),
            tests=str(cases),
            failures=str(suite.failed - errors),
            errors=str(errors),
            time=f"{suite.seconds:.3f}",
        )
        if suite.broken:
            case = Xml.SubElement(element, "testcase", name="the playbook can be read", classname=_clean(suite.path))
            Xml.SubElement(case, "error", message=_clean(suite.broken[0])).text = _clean("\n".join(suite.broken))
        for each in suite.results:
            case = Xml.SubElement(element, "testcase", name=_clean(each.name), classname=_clean(suite.path))
            if each.undecided:
                Xml.SubElement(case, "error", message=_clean(each.undecided)).text = _clean(each.undecided)
            elif each.differences:
                said = [f"{one.what}: expected {one.expected}, got {one.got}" for one in each.differences]
                Xml.SubElement(case, "failure", message=_clean(said[0])).text = _clean("\n".join(said))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _clean(text: str) -> str:
    """Leave out what XML cannot hold."""
    return _UNPRINTABLE.sub("\ufffd", text)
