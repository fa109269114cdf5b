"""The explorer in the browser, against plain plotly: `python benchmarks/explorer.py [EVENTS]`.

Opens notebooks in JupyterLab and Chromium, chooses a country, none, another country and so on, and prints the median time
from each change of the control to the figure drawn anew, and the size of the notebook of the explorer. Needs
`pip install -e ".[test]"` and `chromium`.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from read import write_load

from oktakit.lab.notebook import strip_notebooks

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "browser")]

from harness import Reader, jupyter_lab, use_notebook  # noqa: E402 - lies beside the tests

CHANGES = 20
PLAIN = """import ipywidgets, plotly.graph_objects as go, oktakit as ok
events = ok.read_log("load.jsonl").events
figure = go.FigureWidget(go.{kind}(x=events["published"], y=events["actor_alternate_id"], mode="markers"))
countries = ipywidgets.SelectMultiple(description="Countries", options=sorted(events["country"].dropna().unique()))
def answer(change):
    rows = events[events["country"].isin(change["new"])] if change["new"] else events
    with figure.batch_update():
        figure.data[0].x, figure.data[0].y = rows["published"], rows["actor_alternate_id"]
countries.observe(answer, "value")
ipywidgets.VBox([countries, figure])"""
WAYS = {
    "plotly, all points (Scatter)": PLAIN.format(kind="Scatter"),
    "plotly, all points (Scattergl)": PLAIN.format(kind="Scattergl"),
    "oktakit EventExplorer": "import oktakit as ok\nok.EventExplorer(ok.read_log('load.jsonl').events)",
}
CHANGE = """async (turn) => {
  const label = [...document.querySelectorAll('label')].find((label) => label.textContent == 'Countries');
  const list = document.getElementById(label.htmlFor), figure = document.querySelector('.js-plotly-plot');
  const drawn = new Promise((done) => figure.once('plotly_afterplot', () => requestAnimationFrame(done)));
  const begin = performance.now();
  [...list.options].forEach((option, place) => { option.selected = turn % 2 && place == (turn >> 1) % list.options.length; });
  list.dispatchEvent(new Event('change', {bubbles: true}));
  await drawn;
  return performance.now() - begin;
}"""


def times(page: Any) -> list[float]:
    """Return how long each change took, in milliseconds; the first two warm up."""
    page.wait_for_timeout(10_000)
    found = []
    for turn in range(1, CHANGES + 3):
        found.append(page.evaluate(CHANGE, turn))
        page.wait_for_timeout(1500)
    return found[2:]


def main(events: int = 100_000) -> None:
    """Print both tables."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    medians = {}
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "project"
        folder.mkdir()
        write_load(folder / "load.jsonl", events)
        for number, source in enumerate(WAYS.values()):
            nb = new_notebook(cells=[new_code_cell(source)], metadata=kernel)
            nbformat.write(nb, folder / f"{number}.ipynb")
        reader = Reader(shutil.which("chromium") or "chromium")
        with jupyter_lab(Path(home), folder) as lab:
            for number, way in enumerate(WAYS):
                found, _ = reader.visit(use_notebook(lab, f"{number}.ipynb", times))
                medians[way] = statistics.median(found)
        reader.close()
    base = next(iter(medians.values()))
    print(f"{events:,} events, {CHANGES} changes\n\n| way | median ms | x faster |\n|---|--:|--:|")
    for way, median in medians.items():
        print(f"| {way} | {median:,.0f} | {base / median:.1f} |")
    print_sizes()


def print_sizes() -> None:
    """Print the size of the explorer's notebook, executed and stripped."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "06_explore.ipynb"
        nb = nbformat.read(ROOT / "notebooks" / path.name, 4)
        NotebookClient(nb, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
        nbformat.write(nb, path)
        ((_, before, after),) = strip_notebooks([path])
    print(f"\n06_explore.ipynb: {before:,} bytes executed, {after:,} after `oktakit strip`")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
