"use strict";
// The wallpapers of the gallery. The data scripts call Gallery.add() with their rows.

const Gallery = { rows: [], byKey: new Map(), config: { served: false } };

/** One wallpaper. The order of the values is that of COLUMNS in gallery/rows.py. */
class Row {
  constructor(values) {
    [
      this.source, this.id, this.path, this.sha256, this.title, this.tags, this.listings,
      this.credit, this.licence, this.page, this.width, this.height, this.format, this.bytes,
      this.storedAt, this.colours, this.lightness, this.group, this.quality, this.starred,
      this.hidden,
    ] = values;
    this.key = `${this.source}/${this.id}`;
    this.text = [
      this.title, ...this.tags, ...this.listings, this.credit, this.source, this.id,
    ].join("\n").toLowerCase();
  }

  get label() {
    return this.title || this.id;
  }

  get pixels() {
    return this.width * this.height;
  }

  get original() {
    return `../${encoded(this.path)}`;
  }

  get thumbnail() {
    return `thumbs/${this.sha256.slice(0, 2)}/${this.sha256}.jpg`;
  }
}

/** Add rows, or replace those that are there already. */
Gallery.add = (rows) => {
  for (const values of rows) {
    const row = new Row(values);
    const place = Gallery.byKey.get(row.key);
    if (place === undefined) {
      Gallery.byKey.set(row.key, Gallery.rows.length);
      Gallery.rows.push(row);
    } else {
      Gallery.rows[place] = row;
    }
  }
};

Gallery.find = (key) => Gallery.rows[Gallery.byKey.get(key)];

/** Percent-encode a path, but not its slashes. */
function encoded(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Return an element with attributes and children; texts become text nodes, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}
