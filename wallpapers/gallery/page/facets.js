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
    this.values = [...order]; // the place of a value is its code
    this.codes = new Map(order.map((value, code) => [value, code]));
    this.ofRow = []; // codes of each row: a number, or an array of numbers
  }

  read(row, index) {
    const given = this.valuesOf(row);
    this.ofRow[index] = Array.isArray(given) ? given.map((value) => this.code(value)) : this.code(given);
  }

  code(value) {
    if (!this.codes.has(value)) this.codes.set(value, this.values.push(value) - 1);
    return this.codes.get(value);
  }

  /** Accept rows with one of these values from now on, or all if there are none; count anew. */
  choose(values) {
    this.chosen = values.size ? new Set([...values].map((value) => this.codes.get(value))) : null;
    this.counts = new Array(this.values.length).fill(0);
  }

  accepts(index) {
    if (!this.chosen) return true;
    const codes = this.ofRow[index];
    return typeof codes === "number"
      ? this.chosen.has(codes) : codes.some((code) => this.chosen.has(code));
  }

  count(index) {
    const codes = this.ofRow[index];
    if (typeof codes === "number") this.counts[codes] += 1;
    else for (const code of codes) this.counts[code] += 1;
  }

  /** Return the values to show with their counts; chosen ones are shown in any case. */
  shown(chosen) {
    const all = this.values.map((value, code) => ({ value, count: this.counts[code], code }));
    const used = all.filter(({ value, count }) => count > 0 || chosen.has(value));
    const rank = ({ code }) => Math.min(code, this.order.length);
    return used.sort((a, b) => rank(a) - rank(b) || b.count - a.count);
  }
}

function coloursOf(row) {
  return COLOURS.filter((_, bit) => row.colours & (1 << bit));
}

function marksOf(row) {
  const found = [];
  if (row.starred) found.push("starred");
  if (row.hidden) found.push("hidden");
  if (row.storedAt > Gallery.lastVisit) found.push("fresh");
  return found;
}

Gallery.lastVisit = "9"; // nothing is new at the first visit
const marks = new Facet("marks", marksOf, ["fresh", "starred", "hidden"]);
Gallery.facets = [
  marks,
  new Facet("colour", coloursOf, COLOURS),
  new Facet("light", lightOf, ["dark", "medium", "bright", "unknown"]),
  new Facet("size", sizeOf, [...SIZES.map(([name]) => name), "small", "phone"]),
  new Facet("ratio", ratioOf, [...RATIOS.map(([name]) => name), "portrait", "other"]),
  new Facet("source", (row) => row.source),
  new Facet("listing", (row) => row.listings),
  new Facet("format", (row) => row.format),
  new Facet("year", (row) => row.storedAt.slice(0, 4)),
];

/** Read what was added since the last call. */
Gallery.readFacets = () => {
  const { facets, rows } = Gallery;
  for (const facet of facets) {
    for (let index = facet.ofRow.length; index < rows.length; index += 1) facet.read(rows[index], index);
  }
};

/** Read one row again, after it was starred or hidden. */
Gallery.readAgain = (row) => marks.read(row, Gallery.indexOf(row.key));

/** Return a pattern that finds a word anywhere, in either case. */
function patternOf(word) {
  return new RegExp(word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "iu");
}

/**
 * Return the indexes of the rows that match a view, in the given order, and count the facets.
 *
 * A value's count is the number of rows that would match if it were chosen: those that fail no
 * other facet.
 */
Gallery.select = (view, order) => {
  const { facets, rows } = Gallery;
  const patterns = view.query.split(/\s+/).filter(Boolean).map(patternOf);
  const showsHidden = view.chosen.marks.has("hidden");
  for (const facet of facets) facet.choose(view.chosen[facet.name]);
  const selected = [];
  for (const index of order) {
    const row = rows[index];
    if (!patterns.every((pattern) => row.matches(pattern))) continue;
    let failures = 0;
    let failed;
    for (const facet of facets) {
      const isHidden = facet === marks && row.hidden && !showsHidden;
      if (!isHidden && facet.accepts(index)) continue;
      failed = facet;
      failures += 1;
      if (failures > 1) break;
    }
    if (failures === 0) {
      selected.push(index);
      for (const facet of facets) facet.count(index);
    } else if (failures === 1) {
      failed.count(index);
    }
  }
  return selected;
};
