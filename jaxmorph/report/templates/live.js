(() => {
  const data = JSON.parse(document.getElementById("live-data").textContent);
  const model = expansion(data), root = document.getElementById("live");
  const { unit, minus, tidy, make, text, ticks, clamp, GREY, GRID } = drawing;
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const [observable, time, clock, chart, sliders] =
    ["observable", "time", "clock", "chart", "sliders"].map(find);
  const COURSE = "var(--share)", STEPS = 200;
  const chosen = () => data.observables[+observable.value];
  const timeOf = (place) => data.times[chosen().times[place]];

  // A parameter moves on its natural scale; its value has as many digits as tell two steps apart.
  const digits = ({ low, high }) =>
    Math.min(15, Math.max(4, Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low))) + 3));
  const natural = (parameter, x) => (parameter.log ? Math.log(x) : x);
  const fraction = (parameter, x) =>
    (natural(parameter, x) - natural(parameter, parameter.low)) /
    (natural(parameter, parameter.high) - natural(parameter, parameter.low));
  const valueAt = (parameter, step) => {
    if (step <= 0) return parameter.low;
    if (step >= STEPS) return parameter.high;
    const [low, high] = [natural(parameter, parameter.low), natural(parameter, parameter.high)];
    const u = low + (step / STEPS) * (high - low), x = parameter.log ? Math.exp(u) : u;
    return clamp(+x.toPrecision(digits(parameter)), [parameter.low, parameter.high]);
  };
  const centre = data.parameters.map((parameter) => +parameter.centre.toPrecision(digits(parameter)));
  const point = [...centre];
  const exactly = (parameter, x) => minus(String(+x.toPrecision(digits(parameter)))) + unit(parameter.unit);

  // A value, cut where its error ends.
  const withError = ({ value, half }) => {
    const size = Math.max(Math.abs(value), half);
    if (!(half > 0)) return tidy(value);
    const power = size >= 1e5 || size < 1e-3 ? Math.floor(Math.log10(size)) : 0;
    const [v, h] = [value / 10 ** power, half / 10 ** power];
    const places = clamp(1 - Math.floor(Math.log10(h)), [0, 12]);
    const both = `${minus(v.toFixed(places))} \u00b1 ${h.toFixed(places)}`;
    return power ? `(${both}) \u00d7 10^${minus(String(power))}` : both;
  };

  const path = (points, x, y) => {
    let d = "", before = null;
    for (const p of points) {
      d += `${before !== null && p.place === before + 1 ? "L" : "M"}${x(p.s)},${y(p.value)}`;
      before = p.place;
    }
    return d;
  };
  const band = (points, x, y) => {
    const runs = [];
    points.forEach((p, i) => {
      if (i && p.place === points[i - 1].place + 1) runs.at(-1).push(p);
      else runs.push([p]);
    });
    return runs.map((run) => {
      const up = run.map((p) => `${x(p.s)},${y(p.value + p.half)}`);
      const down = run.map((p) => `${x(p.s)},${y(p.value - p.half)}`).reverse();
      return `M${up.concat(down).join("L")}Z`;
    }).join("");
  };

  // The axis has room for all of the design, and stays while parameters move inside of it.
  const domain = (here) => {
    const ends = model.spread(chosen()).flatMap(({ mean, sd }) => [mean - 2.5 * sd, mean + 2.5 * sd]);
    const all = ends.concat(here.flatMap(({ value, half }) => [value - half, value + half]));
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return low === high ? [low - 1, high + 1] : [low, high];
  };

  const overTime = (here, there) => {
    const width = chart.clientWidth, height = width < 420 ? 210 : 300, left = 52, bottom = 36;
    const first = here[0].s, last = here.at(-1).s, range = domain(here);
    const x = (s) => left + ((s - first) / (last - first)) * (width - left - 12);
    const y = (v) => 8 + ((range[1] - v) / (range[1] - range[0])) * (height - bottom - 8);
    const svg = make("svg", { width, height, role: "img",
      "aria-label": `${chosen().name} of the average simulation against time, with its band; below are the numbers` });
    for (const tick of ticks(range, 5)) {
      make("line", { x1: left, x2: width - 12, y1: y(tick), y2: y(tick), stroke: GRID }, svg);
      text(svg, left - 6, y(tick) + 4, tidy(tick), { "text-anchor": "end", fill: GREY, "font-size": 11 });
    }
    for (const tick of ticks([first, last], width < 420 ? 3 : 5))
      text(svg, x(tick), height - 20, tidy(tick), { "text-anchor": "middle", fill: GREY, "font-size": 11 });
    text(svg, (left + width) / 2, height - 4, "time" + unit(data.time_unit), { "text-anchor": "middle", fill: GREY });
    make("path", { d: band(here, x, y), fill: COURSE, opacity: 0.2, class: "band" }, svg);
    make("path", { d: path(there, x, y), fill: "none", stroke: GREY, "stroke-width": 1.5, "stroke-dasharray": "5 4" }, svg);
    make("path", { d: path(here, x, y), fill: "none", stroke: COURSE, "stroke-width": 2, class: "course" }, svg);
    const now = here[+time.value];
    make("line", { x1: x(now.s), x2: x(now.s), y1: 8, y2: height - bottom, stroke: GREY, "stroke-dasharray": "3 3" }, svg);
    make("circle", { cx: x(now.s), cy: y(now.value), r: 4, fill: COURSE }, svg);
    svg.addEventListener("click", (event) => {
      const s = first + ((event.offsetX - left) / (width - left - 12)) * (last - first);
      time.value = here.reduce((best, p, i) => (Math.abs(p.s - s) < Math.abs(here[best].s - s) ? i : best), 0);
      draw();
    });
    chart.replaceChildren(svg);
  };

  const alone = (here, there) => {
    const width = chart.clientWidth, height = 70, range = domain(here), left = 24;
    const x = (v) => left + ((v - range[0]) / (range[1] - range[0])) * (width - 2 * left);
    const svg = make("svg", { width, height, role: "img",
      "aria-label": `${chosen().name} of the average simulation, with its band; below are the numbers` });
    for (const tick of ticks(range, width < 420 ? 3 : 5)) {
      make("line", { x1: x(tick), x2: x(tick), y1: 6, y2: 46, stroke: GRID }, svg);
      text(svg, x(tick), 62, tidy(tick), { "text-anchor": "middle", fill: GREY, "font-size": 11 });
    }
    const [{ value, half }] = here;
    make("rect", { x: x(value - half), width: Math.max(x(value + half) - x(value - half), 1), y: 18, height: 16,
      fill: COURSE, opacity: 0.2, class: "band" }, svg);
    make("line", { x1: x(there[0].value), x2: x(there[0].value), y1: 8, y2: 44, stroke: GREY, "stroke-width": 1.5,
      "stroke-dasharray": "5 4" }, svg);
    make("circle", { cx: x(value), cy: 26, r: 5, fill: COURSE }, svg);
    chart.replaceChildren(svg);
  };

  const draw = () => {
    const one = chosen(), few = one.times.length < 2;
    const placed = (values) => values.map((v, i) => ({ ...v, place: one.times[i], s: timeOf(i) }));
    const here = placed(model.at(one, point)), there = placed(model.at(one, centre)), i = +time.value;
    const when = `${tidy(timeOf(i))}${unit(data.time_unit)}`;
    clock.textContent = when;
    time.setAttribute("aria-valuetext", `time ${when}`);
    const told = find("told"), at = data.times.length > 1 ? ` at time ${when}` : "";
    told.textContent = `${one.name}${at}: ${withError(here[i])}${unit(one.unit)}`;
    const change = model.at(one, point, centre)[i];
    const sign = change.value > 0 ? "+" : "";
    find("change").textContent = point.every((x, p) => x === centre[p]) ? "(the centre)"
      : `(from the centre: ${sign}${withError(change)})`;
    told.dataset.value = here[i].value;
    told.dataset.half = here[i].half;
    told.dataset.change = change.value;
    find("when").hidden = few;
    (few ? alone : overTime)(here, there);
  };

  const inputs = data.parameters.map((parameter, p) => {
    const label = document.createElement("label"), name = document.createElement("span");
    const output = document.createElement("output"), input = document.createElement("input");
    name.textContent = parameter.label;
    Object.assign(input, { type: "range", min: 0, max: STEPS, step: 1 });
    input.setAttribute("aria-label", parameter.label);
    label.append(name, output, input);
    sliders.append(label);
    input.addEventListener("input", () => { point[p] = valueAt(parameter, +input.value); moved(); });
    return { input, output };
  });
  const moved = () => {
    inputs.forEach(({ input, output }, p) => {
      const words = exactly(data.parameters[p], point[p]);
      output.textContent = words;
      input.setAttribute("aria-valuetext", words);
    });
    if (data.entry && !entry.hidden) write();
    draw();
  };
  const reset = () => {
    data.parameters.forEach((parameter, p) => {
      point[p] = centre[p];
      inputs[p].input.value = Math.round(STEPS * fraction(parameter, centre[p]));
    });
    moved();
  };

  // The point as a run of its own. YAML 1.1 takes 1e-7 for text: it wants a decimal point.
  const entry = find("entry");
  const number = (x) => {
    const words = String(x);
    return words.includes("e") && !words.includes(".") ? words.replace("e", ".0e") : words;
  };
  const write = () => {
    const { before, after, keys, name } = data.entry;
    const content = `${before}{${keys.map((key, p) => `${key}: ${number(point[p])}`).join(", ")}}${after}`;
    document.getElementById("live-entry").textContent = content;
    const link = find("download");
    link.href = `data:text/yaml;charset=utf-8,${encodeURIComponent(content)}`;
    link.download = `${name}.yaml`;
    find("copy").textContent = "copy";
  };
  if (data.entry) {
    const button = find("yaml");
    button.addEventListener("click", () => {
      entry.hidden = !entry.hidden;
      button.setAttribute("aria-expanded", String(!entry.hidden));
      if (!entry.hidden) write();
    });
  }

  // Another observable keeps the time, if it has it.
  let now = data.times.length - 1;
  const choose = () => {
    const { times } = chosen();
    time.max = times.length - 1;
    time.value = times.reduce((best, t, i) => (Math.abs(t - now) < Math.abs(times[best] - now) ? i : best), 0);
  };
  data.observables.forEach((one, i) => observable.add(new Option(one.name + (one.unit === "1" ? "" : ` (${one.unit})`), i)));
  // It opens with what is known at most times.
  const most = Math.max(...data.observables.map((one) => one.times.length));
  observable.value = data.observables.findIndex((one) => one.times.length === most);
  observable.addEventListener("change", () => { choose(); draw(); });
  time.addEventListener("input", () => { now = chosen().times[+time.value]; draw(); });
  find("reset").addEventListener("click", reset);
  root.hidden = false;
  document.getElementById("live-off").hidden = true;
  choose();
  let known = 0;
  new ResizeObserver(() => {
    if (chart.clientWidth && chart.clientWidth !== known) { known = chart.clientWidth; draw(); }
  }).observe(chart);
  known = chart.clientWidth;
  reset();
})();
