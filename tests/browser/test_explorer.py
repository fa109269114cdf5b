"""The explorer in JupyterLab: the same selection with the mouse and with the keyboard alone, and nothing that acts."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

import oktakit as ok
from harness import MINUTE, THEME, Lab, Reader, Sight, use_notebook

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "stolen_report.jsonl"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
PAYLOAD = (
    "<img src=x onerror='window.ran=1'><a href='https://192.0.2.1/'>x</a><span style=\"fill:url(http://192.0.2.1/f)\">x"
)
SPOOF = "$\\href{javascript:window.ran=1}{x}$\u202e\x1b[8m"
TEMPLATE = "10_investigate.ipynb"
STATUS = ".oktakit [role=status]"
PLACE = """([x, y]) => {
  const figure = document.querySelector('.oktakit .js-plotly-plot'), {xaxis, yaxis} = figure._fullLayout;
  const {left, top} = figure.getBoundingClientRect();
  return [left + xaxis._offset + xaxis.r2p(x), top + yaxis._offset + yaxis.r2p(y)];
}"""
FOCUS = """() => {
  const {labels, textContent} = document.activeElement;
  const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
  return [labels?.[0]?.textContent || textContent, outlineStyle == 'solid' && parseFloat(outlineWidth) >= 2];
}"""
CELLS = """() => jupyterapp.shell.currentWidget.content.model.toJSON().cells
  .map(({id, cell_type, source}) => [id, cell_type, source])"""
RUN_NEXT = """async () => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
  await jupyterapp.commands.execute('notebook:run-cell');
  return jupyterapp.shell.currentWidget.content.model.toJSON().cells[1].outputs.map((output) => output.text).join('');
}"""


def notebook(lab: Lab, name: str, log: str, read: str) -> str:
    """Write a notebook that explores a log, and has a next cell that reads what is selected."""
    explore = f"import oktakit as ok\nexplorer = ok.EventExplorer(ok.read_log({log!r}).events)\nexplorer"
    cells = [new_code_cell(explore), new_code_cell(read)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), lab.folder / name)
    return name


def wait_for(page: Page, text: str) -> None:
    """Wait until this is read out, and the figure has followed."""
    page.locator(STATUS, has_text=text).first.wait_for(timeout=MINUTE / 4)
    page.wait_for_timeout(500)


def drag(page: Page, start: tuple[str, float], end: tuple[str, float]) -> None:
    """Draw a box in the timeline, between times and rows."""
    page.mouse.move(*page.evaluate(PLACE, start))
    page.mouse.down()
    page.mouse.move(*page.evaluate(PLACE, end), steps=8)
    page.mouse.up()


def choose(page: Page, label: str, option: str) -> None:
    """Click on an option of a list."""
    page.get_by_label(label).locator("option", has_text=option).click()


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other; a list needs a moment for each."""
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(50)


def test_keys_select_what_the_mouse_selects(browser: Reader, lab: Lab, pictures: Path) -> None:
    """One choice by mouse, with a box, and the same by keyboard; the next cell has its rows, and no cell changed."""
    events = ok.read_log(str(SAMPLE)).events
    people = ["rosa.olsen@example.com", "hugo.evans@example.com"]
    times = events["published"].between(pd.Timestamp("2026-03-05T00:00Z"), pd.Timestamp("2026-03-06T12:00Z"))
    starts = (events["event_type"] == "user.session.start") & (events["country"] == "Singapore")
    wanted = " ".join(events.loc[times & starts & events["actor_alternate_id"].isin(people), "uuid"])
    assert wanted.count(" ") == 4

    def use(page: Page) -> dict[str, Any]:
        cells = page.evaluate(CELLS)
        choose(page, "Event types", "user.session.start")
        wait_for(page, "69 of 389 events selected")
        choose(page, "Countries", "Singapore")
        wait_for(page, "18 of 389 events selected")
        drag(page, ("2026-03-05", 1.6), ("2026-03-06 12:00", 3.4))
        wait_for(page, "5 of 389 events selected")
        page.screenshot(path=pictures / "explorer-box.png")
        by_mouse = page.evaluate(RUN_NEXT)
        focus = []
        page.get_by_role("button", name="Reset", exact=True).focus()
        press(page, "Enter")
        wait_for(page, "389 of 389 events selected")
        press(page, "Shift+Tab", "Shift+Tab", "Shift+Tab")
        for text in ("2026-03-05", "2026-03-06 11"):
            focus.append(page.evaluate(FOCUS))
            page.keyboard.type(text)
            press(page, "Tab")
        press(page, "Tab", "Tab")
        focus.append(page.evaluate(FOCUS))
        page.keyboard.type("rosa")
        press(page, *["Control+ArrowDown"] * 5, "Control+Space", "Tab")
        focus.append(page.evaluate(FOCUS))
        page.keyboard.type("user.session.start")
        press(page, "Tab")
        focus.append(page.evaluate(FOCUS))
        page.keyboard.type("Singapore")
        wait_for(page, "5 of 389 events selected")
        page.evaluate(THEME, "Dark")
        page.wait_for_timeout(3000)
        page.screenshot(path=pictures / "explorer-dark.png")
        return {
            "mouse": by_mouse,
            "keys": page.evaluate(RUN_NEXT),
            "focus": focus,
            "same": page.evaluate(CELLS) == cells,
        }

    name = notebook(lab, "explore.ipynb", "sample_logs/stolen_report.jsonl", "print(*explorer.selected['uuid'])")
    result, sight = browser.visit(use_notebook(lab, name, use))
    assert result["mouse"].strip() == wanted
    assert result["keys"].strip() == wanted
    assert result["same"]
    assert result["focus"] == [
        [label, True] for label in ("From (UTC)", "To (UTC)", "Actors", "Event types", "Countries")
    ]
    assert_quiet(sight)


def test_a_hostile_log_does_nothing(browser: Reader, lab: Lab, pictures: Path) -> None:
    """Tags, links, formulas and hidden characters in every text are text: in lists, hovers, table, words and names."""
    people = [{"id": f"00u{n}", "alternateId": f"{n}{PAYLOAD}", "displayName": SPOOF, "type": "User"} for n in range(3)]
    records = [
        {
            "uuid": f"{n}{PAYLOAD}",
            "eventType": [ok.DOWNLOAD, f"{SPOOF}{PAYLOAD}"][n % 2],
            "published": f"2026-03-02T0{n}:00:00.000Z",
            "actor": people[n % 3],
            "client": {"ipAddress": PAYLOAD, "geographicalContext": {"country": ["Malta", PAYLOAD, SPOOF][n % 3]}},
            "outcome": {"result": PAYLOAD, "reason": SPOOF},
        }
        for n in range(6)
    ]
    (lab.folder / "hostile.jsonl").write_text("\n".join(map(json.dumps, records)))

    def use(page: Page) -> dict[str, Any]:
        for mark in page.locator(".oktakit .point").all():
            mark.hover(force=True)
            page.wait_for_timeout(100)
        page.screenshot(path=pictures / "explorer-hostile.png")
        choose(page, "Countries", "Malta")
        wait_for(page, "2 of 6 events selected")
        shown = page.locator(".oktakit td", has_text="<img src=x").count()
        page.get_by_label("Text, in any column").fill("no such thing")
        press(page, "Tab")
        wait_for(page, "0 of 6 events selected")
        return {
            "axis": page.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.xaxis.type"),
            "ran": page.evaluate("window.ran || 0"),
            "links": page.locator(".oktakit :is(a[href], img, script, [style*='192.0.2.1'])").count(),
            "shown": shown,
            "typeset": page.locator(".oktakit :is(mjx-container, .MathJax)").count(),
        }

    name = notebook(lab, "hostile.ipynb", "hostile.jsonl", "explorer.selected")
    result, sight = browser.visit(use_notebook(lab, name, use))
    assert result == {"axis": "date", "ran": 0, "links": 0, "shown": 9, "typeset": 0}
    assert_quiet(sight)


def test_a_form_is_filled_in_and_copied_by_keyboard(browser: Reader, lab: Lab, pictures: Path) -> None:
    """What is typed is what is copied and what the next cell has; other lines are not said to be copied."""
    cells = [new_code_cell(f"import oktakit as ok\nform = ok.ParameterForm('notebooks/{TEMPLATE}')\nform")]
    cells.append(new_code_cell("print(form.parameters['ROWS'], form.parameters['LOG'])"))
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), lab.folder / "form.ipynb")

    def use(page: Page) -> dict[str, Any]:
        cells = page.evaluate(CELLS)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_label("LOG").focus()
        press(page, "End")
        page.keyboard.type("'; dd")
        press(page, "Tab", "Tab", "Tab", "Tab", "Tab")
        page.keyboard.type("7")
        press(page, "Tab")
        page.wait_for_timeout(1000)
        press(page, "Tab", "Enter")
        page.locator(STATUS, has_text="Copied.").wait_for(timeout=MINUTE / 4)
        page.screenshot(path=pictures / "form.png")
        copied = page.evaluate("navigator.clipboard.readText()")
        press(page, "Shift+Tab", "Shift+Tab")
        page.keyboard.type("8")
        press(page, "Tab")
        page.locator(STATUS, has_text="paste the lines").wait_for(timeout=MINUTE / 4)
        return {"copied": copied, "next": page.evaluate(RUN_NEXT), "same": page.evaluate(CELLS) == cells}

    result, sight = browser.visit(use_notebook(lab, "form.ipynb", use))
    log = "../sample_logs/stolen_report.jsonl'; dd"
    lines = f"LOG = \"{log}\"\nCASE = None\nTIMEZONE = 'UTC'\nKNOWN = None\nWATCH = None\nROWS = 7"
    assert result == {"copied": lines, "next": f"8 {log}\n", "same": True}
    assert_quiet(sight)


def assert_quiet(sight: Sight) -> None:
    """Assert that nothing failed, nothing left this computer and nothing offers to."""
    assert (sight.failures, sight.errors, sight.elsewhere, sight.links, sight.shares) == ([], [], [], [], 0)
