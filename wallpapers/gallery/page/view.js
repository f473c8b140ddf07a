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

const COMPARE = {
  newest: (a, b) => (a.storedAt < b.storedAt ? 1 : a.storedAt > b.storedAt ? -1 : 0),
  largest: (a, b) => b.pixels - a.pixels,
  byColour: (a, b) => firstColour(a) - firstColour(b) || a.lightness - b.lightness,
};

function firstColour(row) {
  return row.colours ? Math.log2(row.colours & -row.colours) : COLOURS.length;
}

function scrambled(index, seed) {
  let value = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 15), 0xc2b2ae35);
  return (value ^ (value >>> 13)) >>> 0;
}

const orders = new Map();

/** Return the indexes of all rows in the order of a view. Each order is computed once. */
Gallery.orderOf = (view) => {
  const key = view.sort === "shuffle" ? `shuffle ${view.seed}` : view.sort;
  const { rows } = Gallery;
  let order = orders.get(key);
  if (!order || order.length !== rows.length) {
    order = Array.from(rows, (_, index) => index);
    if (view.sort === "shuffle") {
      const places = order.map((index) => scrambled(index, view.seed));
      order.sort((a, b) => places[a] - places[b]);
    } else if (view.sort === "byTitle") {
      const { compare } = new Intl.Collator(language);
      order.sort((a, b) => compare(rows[a].label, rows[b].label));
    } else {
      order.sort((a, b) => COMPARE[view.sort](rows[a], rows[b]));
    }
    orders.set(key, order);
  }
  return order;
};
