"""Run the notebooks again and store their outputs: `make notebooks`, or with the paths of some."""

import sys
from pathlib import Path

import nbformat

from oktakit.lab.report import run_notebook

ROOT = Path(__file__).parents[1]


def main(paths: list[str]) -> None:
    """Run each notebook in its folder with its own parameters and write it back with its outputs."""
    for path in map(Path, paths or sorted(map(str, (ROOT / "notebooks").glob("*.ipynb")))):
        notebook = run_notebook(path, {})
        notebook.cells = [cell for cell in notebook.cells if cell.id != "injected-parameters"]
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
