"use strict";
(() => {
  const element = document.getElementById("comparison");
  if (!element) return;
  const data = JSON.parse(element.textContent);
  const form = document.getElementById("choice");
  const [first, second, words, scenario, slider] = ["first", "second", "words", "scenario", "recording"].map((name) => form.elements[name]);
  const part = (name) => document.getElementById(`comparison-${name}`);
  const body = part("rows").tBodies[0];
  const label = ([dataset, recording]) => `${dataset}/${recording}`;
  const written = (value) => value === null ? "–" : value.toFixed(2).replace("-", "−");
  const signed = (value) => (value > 0 ? "+" : "") + written(value);

  const make = (parent, tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };
  const empty = (name, height) => {
    const svg = part(name);
    const width = Math.max(280, svg.parentNode.clientWidth);
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    return [svg, width];
  };
  const ticks = (limit) => {
    const rough = limit / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    return Array.from({ length: Math.floor(limit / step) + 1 }, (_, n) => Number((n * step).toPrecision(3)));
  };
  const side = (row) => row.difference < 0 ? "lower" : row.difference > 0 ? "higher" : "equal";

  let rows = [];  // the recordings that both methods have and that the filter lets through, by difference
  const choose = () => {
    const [a, b] = [data.errors[first.value], data.errors[second.value]];
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = data.recordings.map((facts, place) => ({ place, facts, a: a[place], b: b[place], difference: a[place] - b[place] }))
      .filter((row) => row.a !== null && row.b !== null && (!scenario || !scenario.value || row.facts[3] === scenario.value)
        && wanted.every((word) => row.facts.join(" ").toLowerCase().includes(word)))
      .sort((one, two) => one.difference - two.difference || one.place - two.place);
    slider.max = Math.max(0, rows.length - 1);
    slider.disabled = !rows.length;
  };

  const summary = () => {
    const mean = (key) => rows.reduce((sum, row) => sum + row[key], 0) / rows.length;
    const count = (kind) => rows.filter((row) => side(row) === kind).length;
    const [a, b] = [first, second].map((select) => select.selectedOptions[0].text);
    part("count").textContent = rows.length
      ? `${rows.length} of ${data.recordings.length} recordings. Mean error ${written(mean("a"))} ${data.unit} for ${a}, ${written(mean("b"))} ${data.unit} for ${b}: `
        + `difference ${signed(mean("difference"))} ${data.unit}. ${a} is better on ${count("lower")}, ${b} on ${count("higher")}, equal on ${count("equal")}.`
      : "No recording fits.";
    return [a, b];
  };

  const scatter = ([a, b], chosen) => {
    const [svg, width] = empty("scatter", 340);
    const [left, right, top, bottom] = [46, width - 12, 14, 296];
    const limit = 1.04 * Math.max(0.01, ...rows.map((row) => Math.max(row.a, row.b)));
    const x = (value) => left + (right - left) * value / limit;
    const y = (value) => bottom - (bottom - top) * value / limit;
    for (const tick of ticks(limit)) {
      make(svg, "path", { d: `M${x(tick)} ${top}V${bottom}M${left} ${y(tick)}H${right}`, class: "grid" });
      make(svg, "text", { x: x(tick), y: bottom + 15, "text-anchor": "middle" }, tick);
      make(svg, "text", { x: left - 5, y: y(tick) + 4, "text-anchor": "end" }, tick);
    }
    make(svg, "path", { d: `M${x(0)} ${y(0)}L${x(limit)} ${y(limit)}`, class: "identity" });
    make(svg, "text", { x: (left + right) / 2, y: 332, "text-anchor": "middle" }, `Error of ${a} (${data.unit})`);
    make(svg, "text", { x: -(top + bottom) / 2, y: 12, "text-anchor": "middle", transform: "rotate(-90)" }, `Error of ${b} (${data.unit})`);
    rows.forEach((row, number) => {
      const point = make(svg, "circle", { cx: x(row.a), cy: y(row.b), r: number === chosen ? 7 : 4, class: `${side(row)}${number === chosen ? " chosen" : ""}`, "data-row": number });
      make(point, "title", {}, `${label(row.facts)}: ${written(row.a)} and ${written(row.b)} ${data.unit}`);
    });
    if (rows[chosen]) svg.append(svg.querySelector(".chosen"));
    svg.setAttribute("aria-label", `Error of ${b} against error of ${a}, a point for each of ${rows.length} recordings; the table below has the numbers.`);
  };

  const differences = ([a, b], chosen) => {
    const [svg, width] = empty("differences", 340);
    const [left, right, top, bottom] = [46, width - 12, 14, 296];
    const limit = 1.04 * Math.max(0.01, ...rows.map((row) => Math.abs(row.difference)));
    const y = (value) => (top + bottom) / 2 - (bottom - top) / 2 * value / limit;
    for (const tick of ticks(limit).flatMap((value) => value ? [value, -value] : [0])) {
      make(svg, "path", { d: `M${left} ${y(tick)}H${right}`, class: tick ? "grid" : "identity" });
      make(svg, "text", { x: left - 5, y: y(tick) + 4, "text-anchor": "end" }, String(tick).replace("-", "−"));
    }
    const step = (right - left) / Math.max(1, rows.length);
    rows.forEach((row, number) => {
      const [from, to] = [y(0), y(row.difference)].sort((one, two) => one - two);
      make(svg, "rect", { x: left + number * step, y: number === chosen ? top : from, width: Math.max(0.5, step * 0.86), height: number === chosen ? bottom - top : Math.max(1, to - from), class: number === chosen ? "band" : side(row), "data-row": number });
      if (number === chosen) make(svg, "rect", { x: left + number * step, y: from, width: Math.max(0.5, step * 0.86), height: Math.max(1, to - from), class: `${side(row)} chosen`, "data-row": number });
    });
    make(svg, "text", { x: left, y: 318 }, `← ${a} is better`);
    make(svg, "text", { x: right, y: 318, "text-anchor": "end" }, `${b} is better →`);
    make(svg, "text", { x: -(top + bottom) / 2, y: 12, "text-anchor": "middle", transform: "rotate(-90)" }, `Difference (${data.unit})`);
    svg.setAttribute("aria-label", `Error of ${a} less error of ${b} on each of ${rows.length} recordings, in order; the table below has the numbers.`);
  };

  const path = (letters, x, y) => {
    let [drawn, pen] = ["", "M"];
    [...letters].forEach((letter, number) => {
      if (letter === " ") { pen = "M"; return; }
      const value = (data.letters.indexOf(letter) / (data.letters.length - 1) * 2 - 1) * data.reach;
      drawn += `${pen}${x(number).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    return drawn;
  };
  const waveforms = (names, chosen) => {
    const [svg, width] = empty("waveforms", 300);
    const row = rows[chosen];
    part("chosen").textContent = row ? `${label(row.facts)}${row.facts[2] ? `, subject ${row.facts[2]}` : ""}${row.facts[3] ? `, ${row.facts[3]}` : ""}` : "none";
    if (!row) return;
    slider.setAttribute("aria-valuetext", `${label(row.facts)}: ${names[0]} ${written(row.a)} ${data.unit}, ${names[1]} ${written(row.b)} ${data.unit}`);
    const [start, rate, reference] = [data.starts[row.place], data.rates[row.place], data.reference[row.place]];
    const all = [first, second].map((select) => data.waveforms[select.value][row.place]);
    const length = Math.max(reference.length, ...all.map((text) => text.length - 1), 1);
    const x = (number) => 12 + (width - 24) * number / Math.max(1, length - 1);
    all.forEach((text, number) => {
      const middle = 80 + 130 * number;
      const y = (value) => middle - 42 * value / data.reach;
      const error = number ? row.b : row.a;
      make(svg, "text", { x: 12, y: middle - 50, class: "title" }, `${names[number]}: error ${written(error)} ${data.unit}${text.startsWith("-") ? "; drawn upside down" : ""}`);
      make(svg, "path", { d: path(reference, x, y), class: "reference" });
      if (text) make(svg, "path", { d: path(text.slice(1), x, y), class: "estimate" });
      else make(svg, "text", { x: 12, y: middle }, "No waveform is stored here.");
    });
    for (let second = 0; second <= (length - 1) / rate; second += 2) {
      make(svg, "text", { x: x(second * rate), y: 282, "text-anchor": second ? "middle" : "start" }, `${Math.round(10 * (start + second)) / 10} s`);
    }
    svg.setAttribute("aria-label", `Waveforms of ${names.join(" and ")} on ${label(row.facts)} over the reference pulse.`);
  };

  const table = (names) => {
    const heads = part("rows").tHead.rows[0].cells;
    heads[3].querySelector("button span").textContent = names[0];
    heads[4].querySelector("button span").textContent = names[1];
    body.replaceChildren(...rows.map((row, number) => {
      const line = document.createElement("tr");
      line.dataset.row = number;
      const cells = [label(row.facts), row.facts[2], row.facts[3], row.a, row.b, row.difference];
      cells.forEach((value, place) => {
        const cell = document.createElement(place ? "td" : "th");
        if (!place) cell.scope = "row";
        if (place === 1 || place === 2) cell.className = "words";
        cell.dataset.value = value;
        cell.textContent = place < 3 ? value : place < 5 ? written(value) : signed(value);
        line.append(cell);
      });
      return line;
    }));
  };

  let names = [];
  const draw = () => {
    const chosen = Math.min(Number(slider.value), rows.length - 1);
    scatter(names, chosen);
    differences(names, chosen);
    waveforms(names, chosen);
  };
  const update = () => {
    const before = rows[Number(slider.value)];
    choose();
    const same = before ? rows.findIndex((row) => row.place === before.place) : -1;
    slider.value = same >= 0 ? same : 0;
    names = summary();
    table(names);
    draw();
  };
  for (const field of [first, second, words, scenario]) for (const kind of ["input", "change"]) if (field) field.addEventListener(kind, update);
  slider.addEventListener("input", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const name of ["scatter", "differences", "rows"]) {
    part(name).addEventListener("click", (event) => {
      const target = event.target.closest("[data-row]");
      if (!target) return;
      slider.value = target.dataset.row;
      draw();
    });
  }
  let width = 0;
  new ResizeObserver(() => {
    const now = part("waveforms").parentNode.clientWidth;
    if (now === width) return;
    width = now;
    draw();
  }).observe(part("waveforms").parentNode);
  update();
})();
