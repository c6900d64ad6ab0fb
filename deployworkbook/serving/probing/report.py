"""Write the outcomes of checks as JUnit's XML, with Python's standard library alone."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from deployworkbook.serving.probing.checks import Check


def junit_xml(checks: Sequence[Check], name: str) -> str:
    """Write the outcomes as JUnit's XML, which CI servers read."""
    count = {status: sum(c.status == status for c in checks) for status in ("failed", "skipped")}
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(checks)),
        failures=str(count["failed"]),
        skipped=str(count["skipped"]),
        errors="0",
        time=f"{sum(check.seconds for check in checks):.3f}",
    )
    for check in checks:
        time_s = f"{check.seconds:.3f}"
        case = ElementTree.SubElement(
            suite, "testcase", classname=name, name=check.name, time=time_s
        )
        if check.status == "passed":
            ElementTree.SubElement(case, "system-out").text = check.said
        else:
            tag = "failure" if check.status == "failed" else "skipped"
            ElementTree.SubElement(case, tag, message=check.said)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"
