"use strict";
const PRINTED_WIDTH = 680; // A4 without its margins: the page is measured before it is laid out for paper
const places = [];
for (const data of document.querySelectorAll(".figure script")) {
  const figure = JSON.parse(data.textContent);
  const place = data.parentElement.appendChild(document.createElement("div"));
  place.style.height = `${figure.layout.height || 450}px`;
  places.push(place);
  Plotly.newPlot(place, figure);
}
const resize = (width) => places.forEach((place) => Plotly.relayout(place, {width, autosize: !width}));
window.addEventListener("beforeprint", () => resize(PRINTED_WIDTH));
window.addEventListener("afterprint", () => resize(null));
