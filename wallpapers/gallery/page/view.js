"use strict";
// What is shown: search, chosen values, order and open picture. It lives in the address's hash.

const SORTS = ["newest", "largest", "byColour", "byTitle", "shuffle"];

Gallery.readView = (hash) => {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const chosen = {};
  for (const { name } of Gallery.facets) chosen[name] = new Set(given.getAll(name));
  const sort = given.get("sort");
  return {
    query: given.get("q") || "",
    sort: SORTS.includes(sort) ? sort : SORTS[0],
    seed: Number(given.get("seed")) || 1,
    open: given.get("open") || "",
    chosen,
  };
};

Gallery.writeView = (view) => {
  const written = new URLSearchParams();
  if (view.query) written.set("q", view.query);
  for (const { name } of Gallery.facets) {
    for (const value of view.chosen[name]) written.append(name, value);
  }
  if (view.sort !== SORTS[0]) written.set("sort", view.sort);
  if (view.sort === "shuffle") written.set("seed", view.seed);
  if (view.open) written.set("open", view.open);
  return written.toString();
};

function firstColour(row) {
  return row.colours ? Math.log2(row.colours & -row.colours) : COLOURS.length;
}

/** Return a number that depends on an index, and seems to be random. */
function scrambled(index, seed) {
  let value = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0xc2b2ae35);
  return (value ^ (value >>> 13)) >>> 0;
}

/** Return a function that compares the indexes of two rows. */
function comparison({ sort, seed }) {
  const { rows } = Gallery;
  const { compare } = new Intl.Collator(language);
  const comparisons = {
    newest: (a, b) => (rows[a].storedAt < rows[b].storedAt) - (rows[a].storedAt > rows[b].storedAt),
    largest: (a, b) => rows[b].pixels - rows[a].pixels,
    byColour: (a, b) => firstColour(rows[a]) - firstColour(rows[b])
      || rows[a].lightness - rows[b].lightness,
    byTitle: (a, b) => compare(rows[a].label, rows[b].label),
    shuffle: (a, b) => scrambled(a, seed) - scrambled(b, seed),
  };
  return comparisons[sort];
}

let lastOrder = { key: "", indexes: [] };

/** Return the indexes of all rows in the order of a view. The last order is kept. */
Gallery.orderOf = (view) => {
  const key = `${view.sort} ${view.seed} ${Gallery.rows.length}`;
  if (lastOrder.key !== key) {
    lastOrder = { key, indexes: [...Gallery.rows.keys()].sort(comparison(view)) };
  }
  return lastOrder.indexes;
};
