"use strict";
(() => {
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };

  const sort = (head) => {
    const table = head.closest("table");
    const place = [...head.parentNode.children].indexOf(head);
    const now = head.getAttribute("aria-sort");
    const first = head.firstElementChild.dataset.better === "high" ? "descending" : "ascending";
    const next = now === "none" ? first : now === "ascending" ? "descending" : "ascending";
    for (const other of head.parentNode.children) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", next);
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
})();
