"use strict";
const table = document.getElementById("marks");
const body = table.tBodies[0];
const shown = document.getElementById("shown");
const buttons = [...document.querySelectorAll(".bars button")];

function filter(mistake) {
  const rows = [...body.rows];
  for (const row of rows) row.hidden = mistake !== "" && row.dataset.mistake !== mistake;
  for (const one of buttons) one.setAttribute("aria-pressed", String(mistake !== "" && one.dataset.mistake === mistake));
  const left = rows.filter((row) => !row.hidden).length;
  shown.textContent = mistake === "" ? "" : `${left} of ${rows.length} files`;
}

for (const button of buttons) {
  button.addEventListener("click", () => filter(button.getAttribute("aria-pressed") === "true" ? "" : button.dataset.mistake));
}

const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
[...table.tHead.rows[0].cells].slice(0, -1).forEach((head, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const text = (row) => row.cells[column].textContent.trim();
    const rows = [...body.rows].sort((a, b) => compare(text(a), text(b)));
    body.append(...(down ? rows.reverse() : rows));
  });
});
const how = document.getElementById("how");
if (how) how.hidden = false;
