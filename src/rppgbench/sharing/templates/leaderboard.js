"use strict";
(() => {
  for (const button of document.querySelectorAll("thead button")) {
    button.addEventListener("click", () => button.closest("table").classList.add("sorted"));
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
