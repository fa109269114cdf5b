"""What JupyterLab offers after `ok.` and the Tab key."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

import oktakit as ok
from harness import Lab, Reader, use_notebook

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
OFFERED = "() => [...document.querySelectorAll('.jp-Completer-match')].map((match) => match.textContent)"


def test_tab_offers_public_names_alone(browser: Reader, lab: Lab, pictures: Path) -> None:
    """Behind `ok.` stand the names that the package is for: no module, no helper, nothing of pandas."""
    name = "completion.ipynb"
    cells = [new_code_cell("import oktakit as ok"), new_code_cell("2 + 2")]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), lab.folder / name)

    def complete(page: Page) -> list[str]:
        """Type `ok.` into the last cell, press Tab and return what is offered."""
        page.locator(".jp-CodeCell .cm-content").nth(1).click()
        page.keyboard.press("Control+A")
        page.keyboard.type("ok.")
        for _ in range(30):  # JupyterLab waits a second for the kernel, which is slow at first, then gives up
            page.keyboard.press("Tab")
            page.wait_for_timeout(2000)
            if page.locator(".jp-Completer:not(.lm-mod-hidden)").count():
                break
        page.screenshot(path=pictures / "completion.png", clip={"x": 0, "y": 0, "width": 1400, "height": 500})
        return page.evaluate(OFFERED)

    offered, sight = browser.visit(use_notebook(lab, name, complete))
    assert sight.failures == []
    assert sorted(offered) == sorted(ok.__all__)
