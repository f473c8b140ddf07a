"use strict";
// What can be filtered by: the values of each facet, and how many wallpapers have them.

// The bits of Row.colours, in the order of COLOURS in gallery/rows.py.
const COLOURS = [
  "red", "orange", "yellow", "green", "teal", "blue",
  "purple", "pink", "brown", "black", "grey", "white",
];
const SIZES = [
  ["8K", 7680, 4320], ["4K", 3840, 2160], ["2K", 2560, 1440], ["FHD", 1920, 1080],
];
const RATIOS = [
  ["32:9", 32 / 9], ["21:9", 21 / 9], ["16:9", 16 / 9], ["16:10", 16 / 10], ["3:2", 3 / 2],
  ["4:3", 4 / 3], ["square", 1],
];
const RATIO_TOLERANCE = 0.03;

function sizeOf(row) {
  if (row.height > row.width) return "phone";
  const found = SIZES.find(([, width, height]) => row.width >= width && row.height >= height);
  return found ? found[0] : "small";
}

function ratioOf(row) {
  const ratio = row.width / row.height;
  const found = RATIOS.find(([, exact]) => Math.abs(ratio / exact - 1) < RATIO_TOLERANCE);
  if (found) return found[0];
  return ratio < 1 ? "portrait" : "other";
}

function lightOf(row) {
  if (row.lightness === null) return "unknown";
  if (row.lightness < 35) return "dark";
  return row.lightness > 65 ? "bright" : "medium";
}

/** A facet gives each row one value or several. Values in `order` come first, others by count. */
class Facet {
  constructor(name, valuesOf, order = []) {
    this.name = name;
    this.valuesOf = valuesOf;
    this.order = order;
    this.codes = new Map(order.map((value, code) => [value, code]));
    this.values = [...order];
    this.ofRow = []; // codes of each row: a number, or an array of numbers
    this.counts = [];
  }

  /** Read the values of the rows from `start` on. */
  read(rows, start) {
    for (let index = start; index < rows.length; index += 1) {
      const given = this.valuesOf(rows[index]);
      this.ofRow[index] = Array.isArray(given) ? given.map((v) => this.code(v)) : this.code(given);
    }
  }

  code(value) {
    if (!this.codes.has(value)) {
      this.codes.set(value, this.values.length);
      this.values.push(value);
    }
    return this.codes.get(value);
  }

  has(index, chosen) {
    const codes = this.ofRow[index];
    return typeof codes === "number" ? chosen.has(codes) : codes.some((code) => chosen.has(code));
  }

  count(index) {
    const codes = this.ofRow[index];
    if (typeof codes === "number") this.counts[codes] += 1;
    else for (const code of codes) this.counts[code] += 1;
  }

  /** Return the values to show with their counts; chosen ones are shown in any case. */
  shown(chosen) {
    const all = this.values.map((value, code) => ({ value, count: this.counts[code] || 0, code }));
    const used = all.filter(({ value, count }) => count > 0 || chosen.has(value));
    const rank = ({ code }) => (code < this.order.length ? code : this.order.length);
    return used.sort((a, b) => rank(a) - rank(b) || b.count - a.count);
  }
}

function coloursOf(row) {
  return COLOURS.filter((_, bit) => row.colours & (1 << bit));
}

function marksOf(row) {
  const marks = [];
  if (row.starred) marks.push("starred");
  if (row.hidden) marks.push("hidden");
  if (row.storedAt > Gallery.lastVisit) marks.push("fresh");
  return marks;
}

Gallery.lastVisit = "9"; // nothing is new at the first visit
const MARKS = 0;
Gallery.facets = [
  new Facet("marks", marksOf, ["fresh", "starred", "hidden"]),
  new Facet("colour", coloursOf, COLOURS),
  new Facet("light", lightOf, ["dark", "medium", "bright"]),
  new Facet("size", sizeOf, [...SIZES.map(([name]) => name), "small", "phone"]),
  new Facet("ratio", ratioOf, RATIOS.map(([name]) => name)),
  new Facet("source", (row) => row.source),
  new Facet("listing", (row) => row.listings),
  new Facet("format", (row) => row.format),
  new Facet("year", (row) => row.storedAt.slice(0, 4)),
];

/** Read what was added since the last call. */
Gallery.readFacets = () => {
  for (const facet of Gallery.facets) facet.read(Gallery.rows, facet.ofRow.length);
};

/** Read one row again, after it was starred or hidden. */
Gallery.readAgain = (row) => {
  const marks = Gallery.facets[MARKS];
  marks.ofRow[Gallery.indexOf(row.key)] = marksOf(row).map((mark) => marks.code(mark));
};

/**
 * Return the indexes of the rows that match a view, in the given order, and count the facets.
 *
 * A value's count is the number of rows that would match if it were chosen: those that fail no
 * other facet.
 */
Gallery.select = (view, order) => {
  const { facets, rows } = Gallery;
  const needles = view.query.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = facets.map((facet) => {
    const values = [...view.chosen[facet.name]].map((value) => facet.codes.get(value));
    return values.length ? new Set(values) : null;
  });
  const showsHidden = view.chosen.marks.has("hidden");
  for (const facet of facets) facet.counts = new Array(facet.values.length).fill(0);
  const selected = [];
  for (const index of order) {
    const row = rows[index];
    if (!needles.every((needle) => row.text.includes(needle))) continue;
    const isLeftOut = row.hidden && !showsHidden; // "hidden" would have to be chosen
    let failed = isLeftOut ? MARKS : -1;
    let failures = isLeftOut ? 1 : 0;
    for (let number = 0; number < facets.length && failures < 2; number += 1) {
      if (number === failed) continue;
      if (chosen[number] && !facets[number].has(index, chosen[number])) {
        failed = number;
        failures += 1;
      }
    }
    if (failures === 0) {
      selected.push(index);
      for (const facet of facets) facet.count(index);
    } else if (failures === 1) {
      facets[failed].count(index);
    }
  }
  return selected;
};
