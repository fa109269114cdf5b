"""Every notebook on a log that was written to harm whoever reads it."""

import json
import shutil
from pathlib import Path

import pytest

from harness import Lab, Reader, use_notebook
from payloads import poisoned

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ACTED = """() => [
  window.ran, document.querySelectorAll('.jp-OutputArea :is(b, script, [onerror], mjx-container)').length,
  /[\\u202e\\u2066]/.test([...document.querySelectorAll('.jp-OutputArea')].map((area) => area.textContent).join('')),
]"""


@pytest.fixture(scope="module")
def hostile(lab: Lab) -> str:
    """Return the folder with the notebooks beside poisoned sample logs, two of whose texts are 10 MB long."""
    shutil.copytree(ROOT / "notebooks", lab.folder / "hostile" / "notebooks")
    (lab.folder / "hostile" / "sample_logs").mkdir()
    for sample in (ROOT / "sample_logs").glob("*.jsonl"):
        records = [poisoned(json.loads(line)) for line in sample.read_text().splitlines()]
        records[0]["client"]["userAgent"]["rawUserAgent"] += "A" * 10_000_000
        records[1]["actor"]["displayName"] += "<b>" * 3_500_000
        lines = (json.dumps(record) + "\n" for record in records)
        (lab.folder / "hostile" / "sample_logs" / sample.name).write_text("".join(lines))
    return "hostile/notebooks"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_stands_a_hostile_log(notebook: Path, hostile: str, browser: Reader, lab: Lab) -> None:
    """All cells run and all figures are whole; nothing of the log runs, links, formats or asks."""
    visit = use_notebook(lab, f"{hostile}/{notebook.name}", lambda page: page.evaluate(ACTED))
    (ran, marked, reordered), sight = browser.visit(visit)
    assert (ran, marked, reordered) == (None, 0, False)
    assert (sight.failures, sight.errors, sight.elsewhere, sight.links, sight.shares) == ([], [], [], [], 0)
    assert [figure for figure in sight.figures if figure["wrong"] or figure["empty"]] == []
