"use strict";
// Put the parts together: the address's hash decides what is shown, events change the hash.

const VISIT = "wallpapers.lastVisit";

let view;
let rowsRead = 0;
let openedHere = false; // then the back button closes the picture
let selected = []; // indexes of the rows that are shown

const search = byId("search");
const sort = byId("sort");
const help = byId("help");
const filtersButton = byId("filters-button");
const grid = new Grid(byId("grid"), openPicture);
const lightbox = new Lightbox(turn, closePicture);
const filters = new Filters(byId("filters"), choose);

/** Show a view, as a new entry of the history or in the place of the current one. */
function go(changes, isNew = false) {
  const hash = `#${Gallery.writeView({ ...view, ...changes })}`;
  if (isNew) location.hash = hash;
  else location.replace(hash);
}

function openPicture(row) {
  openedHere = true;
  go({ open: row.key }, true);
}

function closePicture() {
  if (openedHere) history.back();
  else go({ open: "" });
}

/** Return the place of the row with a key among those that are shown, or -1. */
function placeOf(key) {
  return selected.indexOf(Gallery.indexOf(key));
}

function turn(step) {
  const place = placeOf(view.open);
  const next = place < 0 ? 0 : (place + step + selected.length) % selected.length;
  if (selected.length) go({ open: Gallery.rows[selected[next]].key });
}

function choose(name, value) {
  const chosen = new Set(view.chosen[name]);
  if (!chosen.delete(value)) chosen.add(value);
  go({ chosen: { ...view.chosen, [name]: chosen } }, true);
}

function countText() {
  if (!Gallery.isComplete) return words.loading;
  return selected.length ? words.count(selected.length, Gallery.rows.length) : words.none;
}

Gallery.render = () => {
  selected = Gallery.select(view, Gallery.orderOf(view));
  byId("count").textContent = countText();
  byId("clear").hidden = !view.query && !Object.values(view.chosen).some((values) => values.size);
  if (Gallery.isComplete) filters.show(view.chosen);
  Gallery.showDecisions();
  grid.show(selected);
  const row = view.open && Gallery.find(view.open);
  if (row) {
    lightbox.show(row);
  } else if (lightbox.isOpen) {
    const place = placeOf(lightbox.row.key);
    lightbox.hide();
    openedHere = false;
    if (selected.length) grid.focus(place < 0 ? grid.focused : place);
  }
};

/** Show the rows that were added, too. */
function showAdded() {
  applyKept(Gallery.rows.slice(rowsRead));
  rowsRead = Gallery.rows.length;
  Gallery.readFacets();
  Gallery.render();
}

function readView() {
  const before = view;
  view = Gallery.readView(location.hash);
  if (search.value !== view.query && document.activeElement !== search) search.value = view.query;
  sort.value = view.sort;
  const withoutOpen = (some) => Gallery.writeView({ ...some, open: "" });
  return before && withoutOpen(before) !== withoutOpen(view);
}

function changeView() {
  const isOther = readView();
  Gallery.render();
  if (isOther) scrollTo(0, 0);
}

function toggle(mark) {
  const row = lightbox.row || grid.row;
  if (row) Gallery.toggle(mark, row);
}

function openOriginal() {
  const row = lightbox.row || grid.row;
  if (row) window.open(row.original, "_blank", "noopener");
}

const KEYS = {
  "/": () => search.focus(),
  "?": () => help.showModal(),
  u: () => Gallery.undo(),
  s: () => toggle("starred"),
  x: () => toggle("hidden"),
  o: openOriginal,
  c: () => lightbox.isOpen && lightbox.copyPath(),
  ArrowLeft: () => lightbox.isOpen && turn(-1),
  ArrowRight: () => lightbox.isOpen && turn(1),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape" || event.key === "Enter") event.target.blur();
    return;
  }
  if (event.key === "/" || event.key === "?") event.preventDefault();
  KEYS[event.key]?.();
}

function listen() {
  addEventListener("hashchange", changeView);
  addEventListener("keydown", pressed);
  search.addEventListener("input", () => go({ query: search.value }));
  sort.addEventListener("change", () => {
    go({ sort: sort.value, seed: 1 + Math.floor(Math.random() * 1e6) }, true);
  });
  onClicks({
    clear: () => {
      search.value = "";
      go({ query: "", chosen: Gallery.readView("").chosen }, true);
    },
    "help-button": () => help.showModal(),
    "filters-button": () => {
      const isOpen = document.body.classList.toggle("with-filters");
      filtersButton.setAttribute("aria-expanded", isOpen);
    },
  });
}

/** Note this visit; what was stored since the last one is new. */
function noteVisit() {
  try {
    Gallery.lastVisit = localStorage.getItem(VISIT) || Gallery.lastVisit;
    localStorage.setItem(VISIT, new Date().toISOString());
  } catch {
    // Without storage, nothing is new.
  }
}

translate();
noteVisit();
loadKept();
sort.append(...SORTS.map((name) => element("option", { value: name }, words[name])));
listen();
readView();
showAdded();
// The first rows are painted before the others are loaded.
requestAnimationFrame(() => setTimeout(() => Gallery.loadLater(showAdded)));
