"use strict";
// Sorting: a press on a heading sorts by it, another turns the order round. Cells without a value stay at the end.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of headings) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const number = heading.querySelector("button").dataset.kind === "number";
    const keyed = [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      return { row, key: number ? parseFloat(cell.dataset.value) : cell.textContent };
    });
    const order = (a, b) => (number ? a.key - b.key : a.key.localeCompare(b.key, undefined, { numeric: true }));
    keyed.sort((a, b) => {
      const missing = Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key));
      return missing || (Number.isNaN(a.key) ? 0 : down ? order(b, a) : order(a, b));
    });
    table.tBodies[0].append(...keyed.map((one) => one.row));
  }));
}
// A press on a picture shows it larger.
const large = document.getElementById("large");
for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    const image = button.querySelector("img");
    large.querySelector("img").src = image.src;
    large.querySelector("img").alt = image.alt;
    large.querySelector("p").textContent = image.alt;
    large.showModal();
  });
}
large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
