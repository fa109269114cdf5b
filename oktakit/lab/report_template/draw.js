"use strict";
const PRINTED_WIDTH = 680; // A4 without its margins: the page is measured before it is laid out for paper
const PRINTED_HEIGHT = 960;
const ON_DARK = {
  "#222": "#ececec", black: "#ececec", white: "#16181b", "#e6e6e6": "#33373c", "#dcdcdc": "#3a3f45", "#b5b5b5": "#5b6168",
  "#0072B2": "#56a9e0", "#9ecae1": "#1d5f8f", "#595959": "#b4b4b4",
};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
// Colours stand under keys that end in color or colorscale, alone or in lists; nothing else is a colour.
const recolour = (value, key = "") => {
  if (typeof value === "string") return /color(scale)?$/i.test(key) && ON_DARK[value] || value;
  if (Array.isArray(value)) return value.map((item) => recolour(item, key));
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recolour(item, name)]));
};
const figures = [...document.querySelectorAll(".figure script")].map((data) => {
  const place = data.parentElement.appendChild(document.createElement("div"));
  const text = data.textContent;
  place.style.height = `${JSON.parse(text).layout.height || 450}px`;
  return {place, text};
});
// Read anew each time: plotly changes what it is given.
const draw = (printed) => figures.forEach(({place, text}) => {
  const figure = JSON.parse(text), shown = dark.matches && !printed ? recolour(figure) : figure;
  if (printed) Object.assign(shown.layout, {width: PRINTED_WIDTH, autosize: false});
  const {height, legend} = shown.layout;
  if (printed && height > PRINTED_HEIGHT) {
    shown.layout.height = PRINTED_HEIGHT;
    if (legend && legend.y !== undefined) legend.y = 1 - (1 - legend.y) * height / PRINTED_HEIGHT;
  }
  place.style.height = `${shown.layout.height || 450}px`;
  Plotly.react(place, shown.data, shown.layout, shown.config);
});
draw(false);
dark.addEventListener("change", () => draw(false));
window.addEventListener("beforeprint", () => draw(true));
window.addEventListener("afterprint", () => draw(false));
