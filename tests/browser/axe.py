"""axe-core on a page: what it finds serious or critical."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe-core" / "axe.min.js"
RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(found => ["serious", "critical"].includes(found.impact))
  .map(found => `${found.id} (${found.impact}): ${found.help}: ` + found.nodes.slice(0, 4)
    .map(node => `${node.target.join(" ")} ${node.any.map(check => check.message).slice(0, 1)}`).join(" | "))
"""


def faults(page: Page) -> list[str]:
    """One line for each. The script comes in by the debugging protocol, so no policy has to let it."""
    page.evaluate(AXE.read_text())
    return list(page.evaluate(RUN))
