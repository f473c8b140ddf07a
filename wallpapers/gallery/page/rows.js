"use strict";
// The wallpapers of the gallery. The data scripts call Gallery.add() with their rows.

const Gallery = { rows: [], isComplete: false, config: { served: false } };

/** One wallpaper. The order of the values is that of COLUMNS in gallery/rows.py. */
class Row {
  constructor(values) {
    [
      this.source, this.id, this.path, this.sha256, this.title, this.tags, this.listings,
      this.credit, this.licence, this.page, this.width, this.height, this.format, this.bytes,
      this.storedAt, this.colours, this.lightness, this.group, this.quality, this.starred,
      this.hidden,
    ] = values;
  }

  get key() {
    return `${this.source}/${this.id}`;
  }

  /** Return whether a text of the wallpaper matches; one text for search would double the memory. */
  matches(pattern) {
    return pattern.test(this.title) || pattern.test(this.tags) || pattern.test(this.credit)
      || this.listings.some((listing) => pattern.test(listing))
      || pattern.test(this.source) || pattern.test(this.id);
  }

  get label() {
    return this.title || this.id;
  }

  get pixels() {
    return this.width * this.height;
  }

  get original() {
    return `../${this.path.split("/").map(encodeURIComponent).join("/")}`;
  }

  get thumbnail() {
    return `thumbs/${this.sha256.slice(0, 2)}/${this.sha256}.jpg`;
  }
}

/** Add rows that are not there yet. */
Gallery.add = (rows) => {
  for (const values of rows) Gallery.rows.push(new Row(values));
};

const indexes = new Map(); // key -> index of the first rows
let indexed = 0;

/** Return the index of the row with a key, or undefined. */
Gallery.indexOf = (key) => {
  for (; indexed < Gallery.rows.length; indexed += 1) indexes.set(Gallery.rows[indexed].key, indexed);
  return indexes.get(key);
};

Gallery.find = (key) => Gallery.rows[Gallery.indexOf(key)];
