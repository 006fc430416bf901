"use strict";
(() => {
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const root = document.getElementById("explorer");
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const [observable, estimate, time, clock] = ["observable", "estimate", "time", "clock"].map(find);
  const [bars, lines, tip, meaning] = ["bars", "lines", "tip", "meaning"].map(find);
  const P = data.parameters.length, O = data.observables.length, T = data.times.length;
  const POSITIVE = "var(--positive)", NEGATIVE = "var(--negative)", SHARE = "var(--share)", RED = "var(--flagged)";
  const { unit, tidy, make, text, ticks, clamp, GREY, TEXT, GRID } = drawing;
  const at = (t, p) => (t * O + +observable.value) * P + p;
  const chosen = () => data.estimates[+estimate.value];
  const number = (e, t, p) => {
    const i = at(t, p);
    return { v: e.value[i], low: e.low ? e.low[i] : null, high: e.high ? e.high[i] : null };
  };
  const flagged = (e, p) =>
    e.gradient && data.flagged.length > 0 && data.flagged[+observable.value][p];
  const told = (e, t, p, mark = ", not to be trusted") => {
    const { v, low, high } = number(e, t, p);
    let words = v === null ? "not defined" : tidy(v);
    if (low !== null && high !== null) words += ` (95 %: ${tidy(low)} to ${tidy(high)})`;
    return words + (flagged(e, p) ? mark : "");
  };

  // The axis is the same at all times, so that moving the slider shows growth.
  const domain = (e) => {
    let low = 0, high = 0;
    for (let t = 0; t < T; t++) for (let p = 0; p < P; p++) {
      const n = number(e, t, p);
      for (const x of [n.v, n.low, n.high]) if (x !== null) {
        low = Math.min(low, x);
        high = Math.max(high, x);
      }
    }
    if (e.share) [low, high] = [Math.max(low, -0.1), Math.min(Math.max(high, 0.1), 1.1)];
    return low === high ? [low - 1, high + 1] : [low, high];
  };

  const show = (words, box, x, y) => {
    tip.textContent = words;
    tip.hidden = false;
    const outer = root.getBoundingClientRect(), place = box.getBoundingClientRect();
    const left = place.left - outer.left + x, width = tip.offsetWidth;
    tip.style.left = `${clamp(left + 12, [0, outer.width - width])}px`;
    tip.style.top = `${place.top - outer.top + y + 14}px`;
  };
  const hide = () => { tip.hidden = true; };

  const drawBars = () => {
    const e = chosen(), t = +time.value, width = bars.clientWidth, row = 28;
    const longest = Math.max(...data.parameters.map((p) => p.name.length)) + 2;
    const left = Math.min(longest * 7 + 28, width * 0.45);
    const fits = Math.floor((left - 28) / 7);
    const range = domain(e), x = (v) => left + 6 + ((v - range[0]) / (range[1] - range[0])) * (width - left - 20);
    const size = (p) => { const v = number(e, t, p).v; return v === null ? -1 : Math.abs(v); };
    const order = data.parameters.map((_, p) => p).sort((a, b) => size(b) - size(a) || a - b);
    const height = row * P + 26;
    const svg = make("svg", { width, height, role: "list", "aria-label": `${e.label} of every parameter` });
    for (const tick of ticks(range, width < 420 ? 3 : 5)) {
      make("line", { x1: x(tick), x2: x(tick), y1: 0, y2: row * P, stroke: tick === 0 ? TEXT : GRID }, svg);
      text(svg, x(tick), height - 8, tidy(tick), { "text-anchor": "middle", fill: GREY, "font-size": 11 });
    }
    order.forEach((p, i) => {
      const { v, low, high } = number(e, t, p), y = i * row + row / 2, name = data.parameters[p].name;
      const words = `${name}: ${told(e, t, p)}`;
      const group = make("g", { tabindex: 0, role: "listitem", "aria-label": words, class: "row" }, svg);
      make("rect", { x: 0, y: y - row / 2, width, height: row, fill: "transparent" }, group);
      make("line", { x1: 4, x2: 20, y1: y, y2: y, stroke: data.parameters[p].color, "stroke-width": 3,
        "stroke-dasharray": data.parameters[p].dash }, group);
      const cut = name.length > fits ? name.slice(0, fits - 1) + "\u2026" : name;
      text(group, left, y + 4, cut + (flagged(e, p) ? " \u00d7" : ""),
        { "text-anchor": "end", fill: flagged(e, p) ? RED : TEXT });
      if (v === null) text(group, x(0) + 5, y + 4, "not defined", { fill: GREY });
      else {
        const fill = e.share ? SHARE : v < 0 ? NEGATIVE : POSITIVE;
        const [a, b] = [x(0), x(clamp(v, range))], sure = low === null || low > 0 || high < 0;
        make("rect", { x: Math.min(a, b), y: y - 7, width: Math.max(Math.abs(b - a), 1), height: 14, class: "bar",
          fill, opacity: sure ? 1 : 0.35 }, group);
        if (v > range[1]) text(group, b + 2, y + 4, "\u25b6", { fill, "font-size": 10 });
      }
      if (v !== null && low !== null && high !== null) {
        const [a, b] = [x(clamp(low, range)), x(clamp(high, range))];
        // An end beyond the axis has an arrow that points to it.
        const end = (at, beyond, way) => beyond ? `M${at - 5 * way},${y - 4}l${5 * way},4l${-5 * way},4` : `M${at},${y - 4}v8`;
        const d = `M${a},${y}H${b}${end(a, low < range[0], -1)}${end(b, high > range[1], 1)}`;
        make("path", { d, fill: "none", stroke: TEXT, "stroke-width": 1.3 }, group);
      }
      const reveal = (event) => {
        show(words, bars, event.offsetX === undefined ? left : event.offsetX, y);
        lines.querySelectorAll("path.line").forEach((l) => l.classList.toggle("dim", +l.dataset.p !== p));
      };
      const leave = () => {
        hide();
        lines.querySelectorAll("path.line").forEach((l) => l.classList.remove("dim"));
      };
      group.addEventListener("pointermove", reveal);
      group.addEventListener("focus", reveal);
      group.addEventListener("pointerleave", leave);
      group.addEventListener("blur", leave);
    });
    bars.replaceChildren(svg);
  };

  const drawLines = () => {
    if (T < 2) return;
    const e = chosen(), width = lines.clientWidth, height = 260, left = 52, bottom = 36;
    const range = domain(e), first = data.times[0], last = data.times[T - 1];
    const x = (s) => left + ((s - first) / (last - first)) * (width - left - 12);
    const y = (v) => clamp(8 + ((range[1] - v) / (range[1] - range[0])) * (height - bottom - 8), [-1e4, 1e4]);
    const svg = make("svg", { width, height, role: "img",
      "aria-label": `${e.label} of ${data.observables[+observable.value]} against time; the slider reads it off` });
    for (const tick of ticks(range, 5)) {
      make("line", { x1: left, x2: width - 12, y1: y(tick), y2: y(tick), stroke: tick === 0 ? TEXT : GRID }, svg);
      text(svg, left - 6, y(tick) + 4, tidy(tick), { "text-anchor": "end", fill: GREY, "font-size": 11 });
    }
    for (const tick of ticks([first, last], width < 420 ? 3 : 5))
      text(svg, x(tick), height - 20, tidy(tick), { "text-anchor": "middle", fill: GREY, "font-size": 11 });
    text(svg, (left + width) / 2, height - 4, "time" + unit(data.time_unit), { "text-anchor": "middle", fill: GREY });
    const frame = make("clipPath", { id: "frame" }, svg);
    make("rect", { x: left, y: 4, width: width - left - 8, height: height - bottom }, frame);
    const inside = make("g", { "clip-path": "url(#frame)" }, svg);
    data.parameters.forEach((parameter, p) => {
      const all = data.times.map((s, t) => ({ s, ...number(e, t, p) }));
      const band = all.filter((n) => n.low !== null && n.high !== null);
      if (band.length > 1) {
        const up = band.map((n) => `${x(n.s)},${y(n.high)}`);
        const down = band.map((n) => `${x(n.s)},${y(n.low)}`).reverse();
        make("path", { d: `M${up.concat(down).join("L")}Z`, fill: parameter.color, opacity: 0.15 }, inside);
      }
      let path = "", pen = "M";
      for (const n of all) {
        if (n.v === null) pen = "M";
        else { path += `${pen}${x(n.s)},${y(n.v)}`; pen = "L"; }
      }
      const line = make("path", { d: path, fill: "none", stroke: parameter.color, "stroke-width": 2,
        "stroke-dasharray": parameter.dash, class: "line" }, inside);
      line.dataset.p = p;
    });
    const now = x(data.times[+time.value]);
    make("line", { x1: now, x2: now, y1: 8, y2: height - bottom, stroke: GREY, "stroke-dasharray": "3 3", class: "now" }, svg);
    const nearest = (event) => {
      const s = first + ((event.offsetX - left) / (width - left - 12)) * (last - first);
      return data.times.reduce((best, other, t) => (Math.abs(other - s) < Math.abs(data.times[best] - s) ? t : best), 0);
    };
    svg.addEventListener("pointermove", (event) => {
      const t = nearest(event);
      const rows = data.parameters.map((parameter, p) => `${parameter.name}: ${told(e, t, p, " \u00d7")}`);
      show([`time ${tidy(data.times[t])}${unit(data.time_unit)}`, ...rows].join("\n"), lines, event.offsetX, event.offsetY);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("click", (event) => { time.value = nearest(event); draw(); });
    lines.replaceChildren(svg);
  };

  const draw = () => {
    const e = chosen(), words = `${tidy(data.times[+time.value])}${unit(data.time_unit)}`;
    clock.textContent = words;
    time.setAttribute("aria-valuetext", `time ${words}`);
    const cancels = e.name.startsWith("elasticity") && data.unsuited[+observable.value];
    meaning.textContent = `${e.label}: ${e.meaning}.${cancels ? " Signs change over the design, or gradients miss something: averages of elasticities rank nothing." : ""}`;
    hide();
    drawBars();
    drawLines();
  };
  data.observables.forEach((name, i) => observable.add(new Option(name + (data.observable_units[i] === "1" ? "" : ` (${data.observable_units[i]})`), i)));
  data.estimates.forEach((e, i) => estimate.add(new Option(e.label, i)));
  estimate.value = data.first[0];
  time.max = T - 1;
  time.value = data.stated;
  if (T < 2) find("when").hidden = lines.hidden = true;
  root.hidden = false;
  // Another observable opens with what ranks its parameters, unless the reader has chosen an estimate.
  let picked = false;
  estimate.addEventListener("change", () => { picked = true; draw(); });
  observable.addEventListener("change", () => {
    if (!picked) estimate.value = data.first[+observable.value];
    draw();
  });
  time.addEventListener("input", draw);
  let known = 0;
  new ResizeObserver(() => {
    if (bars.clientWidth && bars.clientWidth !== known) { known = bars.clientWidth; draw(); }
  }).observe(bars);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
