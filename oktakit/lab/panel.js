// Text comes in as text nodes only: nothing that a log holds is read as HTML.
const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex]";

function add(parent, tag, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function onWidth() {
  let width;
  return ([{ contentRect }]) => {
    if (width !== undefined && width !== contentRect.width) fit();
    width = contentRect.width;
  };
}

const fit = () => window.dispatchEvent(new Event("resize"));

// JupyterLab takes arrows and letters as its own unless the focused element itself says otherwise.
function guard(root) {
  const mark = () => {
    for (const node of root.querySelectorAll(FOCUSABLE)) node.setAttribute("data-lm-suppress-shortcuts", "true");
    for (const figure of root.querySelectorAll(".js-plotly-plot:not([role])")) {
      figure.setAttribute("role", "group");
      figure.setAttribute("aria-label", "Timeline and map of the selected events; the table below lists them");
      requestAnimationFrame(fit); // it was drawn before it had a width
    }
  };
  mark();
  const watchers = [new MutationObserver(mark), new ResizeObserver(onWidth())];
  watchers[0].observe(root, { childList: true, subtree: true });
  watchers[1].observe(root);
  return () => watchers.forEach((watcher) => watcher.disconnect());
}

// What has the focus must not be replaced, or the keyboard loses its place.
function makeTable(el) {
  const frame = add(el, "div", "", { class: "oktakit-scroll", tabindex: 0, role: "region" });
  return ({ caption, columns, rows }) => {
    frame.replaceChildren();
    frame.setAttribute("aria-label", caption);
    const table = add(frame, "table");
    add(table, "caption", caption);
    const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
    for (const name of columns) add(head, "th", name, { scope: "col" });
    for (const row of rows) {
      const line = add(body, "tr");
      for (const cell of row) add(line, "td", cell ?? "not reported", cell === null ? { class: "oktakit-missing" } : {});
    }
  };
}

function makeSource(el, say) {
  const area = add(el, "textarea", "", { readonly: "", "aria-label": "Parameters" });
  const button = add(el, "button", "Copy as parameters", { class: "jupyter-button" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(area.value);
    } catch {
      area.select(); // a page that is not secure has no clipboard of its own
      document.execCommand("copy");
    }
    say("Copied.");
  });
  return (source) => {
    area.value = source;
    area.rows = source.split("\n").length;
    button.disabled = !source;
  };
}

function render({ model, el }) {
  el.classList.add("oktakit-panel");
  const status = add(el, "div", "", { role: "status", "aria-live": "polite", class: "oktakit-status" });
  const say = (text) => { status.textContent = text; };
  const parts = { status: () => say };
  if (model.get("table").columns) parts.table = () => makeTable(el);
  if (model.get("source")) parts.source = () => makeSource(el, say);
  for (const [name, make] of Object.entries(parts)) {
    const show = make();
    show(model.get(name));
    model.on(`change:${name}`, () => {
      say(model.get("status")); // lines that changed are no longer "Copied."
      show(model.get(name));
    });
  }
  let release = () => {}, gone = false;
  const attach = () => {
    const root = el.closest(".oktakit");
    if (root) release = guard(root);
    else if (!gone) requestAnimationFrame(attach);
  };
  attach();
  return () => { gone = true; release(); };
}

export default { render };
