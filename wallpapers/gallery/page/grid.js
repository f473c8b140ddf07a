"use strict";
// The grid: elements exist only for the tiles near the window, however many wallpapers there are.

const GAP = 8; // pixels, as in style.css
const SPARE_ROWS = 2; // above and below the window

class Grid {
  constructor(place, open) {
    this.place = place;
    this.open = open;
    this.indexes = [];
    this.tiles = new Map(); // position -> element
    this.focused = 0; // position of the tile in the tab order
    place.addEventListener("click", (event) => this.clicked(event));
    place.addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(place);
  }

  /** Show rows by their indexes; the focus stays on its row wherever that is now. */
  show(indexes) {
    const before = this.indexes;
    const hasFocus = this.place.contains(document.activeElement);
    const place = indexes.indexOf(before[this.focused]);
    this.indexes = indexes;
    this.focused = place < 0 ? Math.min(this.focused, Math.max(0, indexes.length - 1)) : place;
    for (const [position, tile] of this.tiles) {
      if (indexes[position] === before[position]) this.mark(tile, position);
      else this.remove(position);
    }
    this.measure();
    if (hasFocus && indexes.length) this.focus(this.focused);
  }

  remove(position) {
    this.tiles.get(position).remove();
    this.tiles.delete(position);
  }

  measure() {
    const width = this.place.clientWidth;
    const smallest = width < 480 ? width : 240;
    const columns = Math.max(1, Math.floor((width + GAP) / (smallest + GAP)));
    const tileWidth = (width - GAP * (columns - 1)) / columns;
    if (columns !== this.columns || tileWidth !== this.tileWidth) {
      this.columns = columns;
      this.tileWidth = tileWidth;
      this.rowHeight = Math.round(tileWidth * 0.625) + GAP;
      for (const position of this.tiles.keys()) this.remove(position);
    }
    this.place.style.height = `${Math.ceil(this.indexes.length / columns) * this.rowHeight}px`;
    this.draw();
  }

  draw() {
    if (!this.rowHeight) return;
    const top = -this.place.getBoundingClientRect().top;
    const firstRow = Math.floor(top / this.rowHeight) - SPARE_ROWS;
    const rows = Math.ceil(innerHeight / this.rowHeight) + 2 * SPARE_ROWS + 1;
    const first = Math.max(0, firstRow * this.columns);
    const last = Math.min(this.indexes.length, (firstRow + rows) * this.columns);
    for (const [position, tile] of this.tiles) {
      const isNear = position >= first && position < last;
      if (!isNear && tile.firstChild !== document.activeElement) this.remove(position);
    }
    for (let position = first; position < last; position += 1) {
      if (!this.tiles.has(position)) this.place.append(this.made(position));
    }
  }

  made(position) {
    const row = Gallery.rows[this.indexes[position]];
    const image = element("img", { src: row.thumbnail, alt: row.label, decoding: "async" });
    const button = element("button", {
      type: "button",
      class: "tile",
      title: `${row.label}\n${row.width} × ${row.height}`,
      "data-position": position,
    }, image, element("span", { class: "mark", "aria-label": words.starred }, "★"));
    image.addEventListener("error", () => image.classList.add("missing"));
    const tile = element("div", { role: "listitem", "aria-posinset": position + 1 }, button);
    this.mark(tile, position);
    const left = (position % this.columns) * (this.tileWidth + GAP);
    tile.style.left = `${left}px`;
    tile.style.top = `${Math.floor(position / this.columns) * this.rowHeight}px`;
    tile.style.width = `${this.tileWidth}px`;
    tile.style.height = `${this.rowHeight - GAP}px`;
    this.tiles.set(position, tile);
    return tile;
  }

  /** Show on a tile what can change while it is there. */
  mark(tile, position) {
    const row = Gallery.rows[this.indexes[position]];
    const button = tile.firstChild;
    tile.setAttribute("aria-setsize", this.indexes.length);
    button.tabIndex = position === this.focused ? 0 : -1;
    button.classList.toggle("hidden", row.hidden);
    button.lastChild.hidden = !row.starred;
  }

  /** Focus the tile at a position, and scroll to it. */
  focus(position) {
    const before = this.tiles.get(this.focused);
    if (before) before.firstChild.tabIndex = -1;
    this.focused = position;
    const row = Math.floor(position / this.columns);
    const top = this.place.getBoundingClientRect().top + row * this.rowHeight;
    const header = document.querySelector("header").offsetHeight;
    if (top < header) scrollBy(0, top - header - GAP);
    else if (top + this.rowHeight > innerHeight) scrollBy(0, top + this.rowHeight - innerHeight);
    this.draw();
    const button = this.tiles.get(position).firstChild;
    button.tabIndex = 0;
    button.focus({ preventScroll: true });
  }

  clicked(event) {
    const button = event.target.closest(".tile");
    if (!button) return;
    this.focused = Number(button.dataset.position);
    this.open(Gallery.rows[this.indexes[this.focused]]);
  }

  pressed(event) {
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      Home: -Infinity, End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const last = this.indexes.length - 1;
    this.focus(Math.min(last, Math.max(0, this.focused + step)));
  }

  /** The row whose tile has the focus, if any. */
  get row() {
    const isInside = this.place.contains(document.activeElement);
    return isInside ? Gallery.rows[this.indexes[this.focused]] : undefined;
  }
}
