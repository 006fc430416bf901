"use strict";
// What the charts of the page have in common: numbers as text, axes, elements of a drawing.
const drawing = (() => {
  // The page's style has the colours, one for each meaning.
  const [GREY, TEXT, GRID] = ["var(--muted-drawing)", "var(--text)", "var(--grid)"];
  const unit = (u) => (u === "1" || u === "" ? "" : " " + u);
  const minus = (text) => text.replace(/-/g, "\u2212");
  const tidy = (x) => {
    const size = Math.abs(x);
    if (x !== 0 && (size >= 1e5 || size < 1e-4)) return minus((+x.toPrecision(3)).toExponential());
    return minus(String(+x.toPrecision(3)));
  };
  const make = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (parent) parent.append(element);
    return element;
  };
  const text = (parent, x, y, words, attributes = {}) => {
    const element = make("text", { x, y, "font-size": 12, fill: TEXT, ...attributes }, parent);
    element.textContent = words;
    return element;
  };
  const ticks = ([low, high], n) => {
    const raw = (high - low) / n, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(+(k * step).toPrecision(10));
    return found;
  };
  const clamp = (x, [low, high]) => Math.min(Math.max(x, low), high);
  return { unit, minus, tidy, make, text, ticks, clamp, GREY, TEXT, GRID };
})();
