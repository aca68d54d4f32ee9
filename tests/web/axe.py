"""axe-core inside a page: what it finds against WCAG 2.2 AA and good practice."""

from playwright.sync_api import Page

from tests.e2e.processes import ROOT
from tests.system_packages import lacking

_SOURCE = ROOT / "service" / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """One line for each element that breaks a rule: the rule, the element, what is wrong."""
    if not _SOURCE.is_file():
        lacking("axe-core (see scripts/web)")
    page.evaluate(_SOURCE.read_text())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
    return [
        f"{violation['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
