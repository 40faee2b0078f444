"use strict";
(() => {
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };

  const sort = (head) => {
    const table = head.closest("table");
    const place = [...head.parentNode.children].indexOf(head);
    const next = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of head.parentNode.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", next);
    table.classList.add("sorted");
    const sign = next === "ascending" ? 1 : -1;
    const value = (row) => row.children[place].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      return a === "" || b === "" ? (a === "") - (b === "") : sign * compare(a, b);
    });
    table.tBodies[0].append(...rows);
  };

  for (const button of document.querySelectorAll("thead button")) {
    button.addEventListener("click", () => sort(button.parentNode));
  }

  for (const form of document.querySelectorAll("form.search")) {
    const rows = [...document.getElementById(form.dataset.table).tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, `${row.textContent} ${row.dataset.text || ""}`.toLowerCase()]));
    const input = form.querySelector("input");
    const choices = [...form.querySelectorAll("select")];
    const output = form.querySelector("output");
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits = words.every((word) => texts.get(row).includes(word))
          && choices.every((one) => !one.value || row.dataset[one.dataset.column.toLowerCase()] === one.value);
        row.hidden = !fits;
        shown += fits;
      }
      output.textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
    };
    for (const kind of ["input", "change"]) form.addEventListener(kind, filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }
})();
