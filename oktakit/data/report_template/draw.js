"use strict";
const outline = document.querySelector("script#outline");
if (outline) window.PlotlyGeoAssets = {topojson: {world_110m: JSON.parse(outline.textContent)}};
const places = [];
for (const data of document.querySelectorAll(".figure script")) {
  const figure = JSON.parse(data.textContent);
  const place = data.parentElement.appendChild(document.createElement("div"));
  place.style.height = `${figure.layout.height || 450}px`;
  places.push(place);
  Plotly.newPlot(place, figure);
}
const fit = () => places.forEach((place) => Plotly.Plots.resize(place));
window.addEventListener("beforeprint", fit);
window.addEventListener("afterprint", fit);
