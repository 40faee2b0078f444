"use strict";
(() => {
  const files = JSON.parse(document.getElementById("files").textContent);
  const tip = document.getElementById("tip");

  const save = (name, text, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  for (const button of document.querySelectorAll("[data-file]")) {
    button.addEventListener("click", () => save(...files[button.dataset.file], "text/plain;charset=utf-8"));
  }

  // A saved picture stands on white and has no page to take its colours from.
  for (const button of document.querySelectorAll("[data-drawing]")) {
    button.addEventListener("click", () => {
      const drawing = button.closest("figure").querySelector("svg").cloneNode(true);
      drawing.setAttribute("font-family", "Helvetica, Arial, sans-serif");
      const text = new XMLSerializer().serializeToString(drawing);
      save(button.dataset.drawing, text.replace(/var\(--\w+, (#\w+)\)/g, "$1"), "image/svg+xml");
    });
  }

  // Below the number or above it, beside the names of the rows: a name is never covered.
  let shown = null;
  const show = (cell) => {
    shown = cell;
    tip.textContent = cell.dataset.detail;
    tip.hidden = false;
    const box = cell.getBoundingClientRect();
    const names = [...cell.parentNode.querySelectorAll("th")].map((name) => name.getBoundingClientRect().right);
    const least = Math.max(6, ...names.map((right) => right + 6));
    tip.style.maxWidth = `min(22rem, ${innerWidth - least - 6}px)`;
    const below = box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.top = `${below ? box.bottom + 6 : box.top - 6 - tip.offsetHeight}px`;
    tip.style.left = `${Math.max(least, Math.min(box.right - tip.offsetWidth, innerWidth - tip.offsetWidth - 6))}px`;
  };
  const hide = () => { shown = null; tip.hidden = true; };

  const cellOf = (event) => event.target.closest ? event.target.closest("td[data-detail]") : null;
  document.addEventListener("mouseover", (event) => { const cell = cellOf(event); if (cell) show(cell); else hide(); });
  document.addEventListener("focusin", (event) => {
    const cell = cellOf(event);
    if (!cell) { hide(); return; }
    cell.setAttribute("aria-describedby", "tip");
    show(cell);
  });
  document.addEventListener("focusout", (event) => {
    const cell = cellOf(event);
    if (cell) cell.removeAttribute("aria-describedby");
    hide();
  });
  addEventListener("scroll", () => { if (shown) show(shown); }, { passive: true, capture: true });

  // One tab stop a table; the arrow keys go from number to number.
  for (const body of document.querySelectorAll("tbody")) {
    const start = body.querySelector("td[data-detail]");
    if (start) start.tabIndex = 0;
    body.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { hide(); return; }
      const cell = cellOf(event);
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!cell || !step) return;
      event.preventDefault();
      const row = body.rows[cell.parentNode.sectionRowIndex + step[0]];
      const next = row && row.cells[cell.cellIndex + step[1]];
      if (!next || !next.dataset.detail) return;
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  // A box that scrolls sideways says so, and the keyboard reaches it.
  const scrolls = (box) => {
    const wider = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("more", wider && box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    if (wider) box.tabIndex = 0; else box.removeAttribute("tabindex");
    box.previousElementSibling.hidden = !wider;
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => scrolls(entry.target)));
  for (const box of document.querySelectorAll(".scroll")) {
    const hint = document.createElement("p");
    hint.className = "sideways";
    hint.hidden = true;
    hint.textContent = "Wider than the window: scroll sideways, or with the arrow keys.";
    box.before(hint);
    box.addEventListener("scroll", () => scrolls(box), { passive: true });
    scrolls(box);
    sizes.observe(box);
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of opened) part.open = false; });
})();
