"""A JupyterLab, a browser, and what a reader would see in it."""

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from playwright.sync_api import Browser, Page, sync_playwright

from drawn import DRAWN

T = TypeVar("T")
MINUTE = 60_000
READY = """() => {
  const panel = window.jupyterapp?.shell.currentWidget, session = panel?.context?.sessionContext;
  const kernel = session?.session?.kernel;
  return panel?.context?.isReady && session.isReady
    && kernel?.connectionStatus == 'connected' && kernel.status == 'idle';
}"""
THEME = "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${theme}`})"
COLOURS = """() => ({
  light: document.body.dataset.jpThemeLight,
  papers: [...new Set([...document.querySelectorAll('.js-plotly-plot .main-svg:first-child')].map(
    (paper) => getComputedStyle(paper).backgroundColor))],
  inks: [...new Set([...document.querySelectorAll('.js-plotly-plot .gtitle')].map(
    (ink) => getComputedStyle(ink).fill))],
})"""
LOOK = """() => ({
  figures: [...document.querySelectorAll('.js-plotly-plot:not(.jupyter-widgets *)')].map((figure) => ({
    title: figure._fullLayout?.title?.text || '',
    empty: !figure.querySelector('svg.main-svg, canvas'),
    marks: figure.querySelectorAll(
      '.point, .scatterlayer .js-line, .geolayer .trace path, .slice, .heatmaplayer image, canvas').length,
    wrong: (DRAWN)(figure).filter(([, drawn, promised]) => drawn != promised),
  })),
  links: [...document.querySelectorAll('.jp-OutputArea a[href]')].map((link) => link.href),
  shares: document.querySelectorAll('[data-title*="Share"]').length,
  failures: (window.jupyterapp?.shell.currentWidget.content.model.toJSON().cells || [])
    .flatMap((cell) => cell.outputs || []).filter((output) => output.output_type == 'error')
    .map((output) => `${output.ename}: ${output.evalue}`),
})""".replace("DRAWN", DRAWN)


class Sight(NamedTuple):
    """What was on a page, what it asked for and what went wrong."""

    figures: list[dict[str, Any]]
    links: list[str]
    shares: int
    failures: list[str]
    elsewhere: list[str]
    errors: list[str]
    themes: tuple[dict[str, Any], ...] = ()


class Reader:
    """One browser in a thread of its own: playwright keeps an event loop running, which other tests must not meet."""

    def __init__(self, chromium: str) -> None:
        """Start the browser."""
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._thread.submit(self._start, chromium).result()

    def _start(self, chromium: str) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

    def visit(self, visit: Callable[[Browser], T]) -> T:
        """Return what a visit made of the browser."""
        return self._thread.submit(visit, self._browser).result()

    def close(self) -> None:
        """End the browser."""
        self._thread.submit(self._browser.close).result()
        self._thread.submit(self._playwright.stop).result()
        self._thread.shutdown()


class Lab(NamedTuple):
    """A JupyterLab on this computer that serves one folder."""

    address: str
    token: str
    folder: Path

    def url(self, name: str) -> str:
        """Return the address of a notebook, in a workspace without tabs."""
        return f"{self.address}/lab/tree/{name}?token={self.token}&reset"


@contextmanager
def jupyter_lab(home: Path, folder: Path) -> Iterator[Lab]:
    """Run a JupyterLab that knows nothing of the reader's own settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), folder)
    with (home / "lab.log").open("w") as log:
        command = [*_COMMAND, f"--port={port}", f"--IdentityProvider.token={lab.token}"]
        command.append(f"--ServerApp.root_dir={folder}")
        server = subprocess.Popen(command, env=_environment(home), stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(lab, server, home / "lab.log")
            yield lab
        finally:
            server.terminate()
            server.wait(30)


_COMMAND = [
    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"),
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    # A stopped test must not wait for a question.
    "--ServerApp.answer_yes=True",
]


def _environment(home: Path) -> dict[str, str]:
    """Return an environment with every folder of Jupyter in a temporary one, and settings that suit a test."""
    names = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"]
    names += ["JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"]
    _set_up(home, "apputils-extension/notification", {"fetchNews": "false"})
    # Otherwise cells that are off screen are not in the page.
    _set_up(home, "notebook-extension/tracker", {"windowingMode": "none"})
    return {**os.environ, **{name: str(home / name.lower()) for name in names}}


def _set_up(home: Path, setting: str, values: dict[str, str]) -> None:
    """Write a user's setting of JupyterLab."""
    path = home / "jupyterlab_settings_dir" / "@jupyterlab" / f"{setting}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def _wait_for(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.address}/api", timeout=5).close()
            return
        except OSError:
            threading.Event().wait(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def use_notebook(lab: Lab, name: str, use: Callable[[Page], T]) -> Callable[[Browser], tuple[T, Sight]]:
    """Return a visit that opens a notebook, runs all its cells, does something with it, and looks."""

    def visit(browser: Browser) -> tuple[T, Sight]:
        context = browser.new_context(viewport={"width": 1400, "height": 1800})
        page, elsewhere, errors = _watched(context.new_page(), "http://127.0.0.1")
        page.goto(lab.url(name), timeout=2 * MINUTE)
        page.wait_for_function(READY, timeout=2 * MINUTE)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.done = true; })")
        page.wait_for_function("window.done", timeout=5 * MINUTE)
        _look(page)
        result, seen = use(page), _look(page)
        page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
        context.close()
        return result, Sight(**seen, elsewhere=elsewhere, errors=errors)

    return visit


def read_notebook(lab: Lab, name: str, *, run: bool, pictures: Path | None = None) -> Callable[[Browser], Sight]:
    """Return a visit that opens a notebook, runs all its cells if asked to, and looks."""

    def visit(browser: Browser) -> Sight:
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        page, elsewhere, errors = _watched(context.new_page(), "http://127.0.0.1")
        page.goto(lab.url(name), timeout=2 * MINUTE)
        page.wait_for_function(READY, timeout=2 * MINUTE)
        if run:
            page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.done = true; })")
            page.wait_for_function("window.done", timeout=5 * MINUTE)
        seen, themes = _look(page), []
        for theme in ("Light", "Dark") if pictures else ():
            page.evaluate(THEME, theme)
            _photograph(page, pictures / f"{Path(name).stem}-{theme.lower()}.png")
            themes.append(page.evaluate(COLOURS))
        page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
        context.close()
        return Sight(**seen, elsewhere=elsewhere, errors=errors, themes=tuple(themes))

    return visit


def read_page(path: Path, *, home: Path | None = None, pictures: Path | None = None) -> Callable[[Browser], Sight]:
    """Return a visit that opens a file without a network, and looks; what it loads may lie below `home`."""

    def visit(browser: Browser) -> Sight:
        context = browser.new_context(offline=True)
        page, elsewhere, errors = _watched(context.new_page(), (home or path).as_uri())
        page.goto(path.as_uri())
        seen = _look(page)
        for scheme in ("light", "dark") if pictures else ():
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=pictures / f"{path.stem}-{scheme}.png", full_page=True)
        context.close()
        return Sight(**seen, elsewhere=elsewhere, errors=errors)

    return visit


def _watched(page: Page, home: str) -> tuple[Page, list[str], list[str]]:
    """Return the page with a list of its requests to elsewhere and one of its errors."""
    elsewhere: list[str] = []
    errors: list[str] = []
    own = (home, home.replace("http:", "ws:"), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page.on("websocket", lambda socket: None if socket.url.startswith(own) else elsewhere.append(socket.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if "Content Security Policy" in line.text else None)
    return page, elsewhere, errors


def _look(page: Page) -> dict[str, Any]:
    """Return what is on the page once it has stopped changing."""
    seen, before = page.evaluate(LOOK), None
    while seen != before:
        page.wait_for_timeout(1000)
        seen, before = page.evaluate(LOOK), seen
    return seen


def _photograph(page: Page, picture: Path) -> None:
    """Save the whole notebook; JupyterLab scrolls inside itself, so its window has to grow."""
    page.wait_for_timeout(1000)  # a theme that was just changed lays the page out again
    height = page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
    page.set_viewport_size({"width": 1400, "height": min(height + 200, 16_000)})
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.wait_for_timeout(1000)
    page.screenshot(path=picture)
    page.set_viewport_size({"width": 1400, "height": 1000})
