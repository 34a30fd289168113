// Sorts the table by the column whose heading is pressed. Reads only numbers and names that are in the page.
lsm.page("front", () => {
  "use strict";
  const table = document.getElementById("board");
  if (!table) return;
  const body = table.tBodies[0];
  const status = document.getElementById("sorted");
  const original = Array.from(body.rows);
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (column === 0) return cell.dataset.name;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  };

  const sort = (header) => {
    const column = Number(header.dataset.column);
    const before = header.getAttribute("aria-sort");
    const first = header.dataset.first;
    const now = before === "none" ? first : before === "ascending" ? "descending" : "ascending";
    for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", now);
    const sign = now === "ascending" ? 1 : -1;
    const keyed = original.map((row) => ({ row, key: keyOf(row, column) }));
    // A missing number is last in both directions: it is neither the best nor the worst.
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return sign * (column === 0 ? collator.compare(a.key, b.key) : a.key - b.key);
    });
    body.append(...keyed.map((item) => item.row));
    status.textContent = `Sorted by ${header.dataset.label}, ${now}.`;
  };

  for (const header of table.querySelectorAll("th[aria-sort]")) {
    header.querySelector("button").addEventListener("click", () => sort(header));
  }
});
