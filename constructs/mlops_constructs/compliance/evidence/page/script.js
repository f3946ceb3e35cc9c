"use strict";
document.documentElement.classList.add("js");
// A link to a rule opens the boxes around it.
function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("DOMContentLoaded", reveal);
reveal();
function rowsOf(container) {
  return container.tagName === "TABLE" ? container.tBodies[0].rows : container.querySelectorAll(":scope > details");
}
function sift(container) {
  const input = document.querySelector(`[data-filters="${container.id}"]`);
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const boxes = document.querySelectorAll(`[data-statuses="${container.id}"] input`);
  const shown = new Set([...boxes].filter((box) => box.checked).map((box) => box.value));
  let left = 0;
  for (const row of rowsOf(container)) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word)) || (boxes.length > 0 && !shown.has(row.dataset.status));
    if (!row.hidden) left += 1;
  }
  for (const title of container.querySelectorAll(":scope > h3")) {
    let next = title.nextElementSibling, any = false;
    for (; next && next.tagName !== "H3"; next = next.nextElementSibling) any = any || !next.hidden;
    title.hidden = !any;
  }
  input.parentElement.querySelector("output").textContent = words.length || boxes.length ? `${left} shown` : "";
}
for (const input of document.querySelectorAll("[data-filters]")) {
  const container = document.getElementById(input.dataset.filters);
  input.addEventListener("input", () => sift(container));
}
for (const set of document.querySelectorAll("[data-statuses]")) {
  set.addEventListener("change", () => sift(document.getElementById(set.dataset.statuses)));
}
