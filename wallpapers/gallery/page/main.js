"use strict";
// Put the parts together: the address's hash decides what is shown, events change the hash.

const MOST_VALUES = 40; // shown for a facet, such as the listings
const POLL_MS = 4000;
const later = document.currentScript.dataset.later.split(" ").filter(Boolean);
const VISIT = "wallpapers.lastVisit";

let view;
let openedHere = false; // then the back button closes the picture
let selected = [];

const search = document.getElementById("search");
const sort = document.getElementById("sort");
const help = document.getElementById("help");
const filters = document.getElementById("filters");
const filtersButton = document.getElementById("filters-button");
const grid = new Grid(document.getElementById("grid"), openPicture);
const lightbox = new Lightbox(turn, closePicture);

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

function turn(step) {
  const place = selected.indexOf(Gallery.indexOf(view.open));
  const next = place < 0 ? 0 : (place + step + selected.length) % selected.length;
  if (selected.length) go({ open: Gallery.rows[selected[next]].key });
}

Gallery.render = () => {
  selected = Gallery.select(view, Gallery.orderOf(view));
  document.getElementById("count").textContent = countText();
  document.getElementById("clear").hidden =
    !view.query && !Gallery.facets.some(({ name }) => view.chosen[name].size);
  if (Gallery.isComplete) showFacets();
  Gallery.showDecisions();
  grid.show(selected);
  const row = view.open && Gallery.find(view.open);
  if (row) {
    lightbox.show(row);
  } else if (lightbox.isOpen) {
    const place = selected.indexOf(Gallery.indexOf(lightbox.row.key));
    lightbox.hide();
    openedHere = false;
    if (selected.length) grid.focus(place < 0 ? grid.focused : place);
  }
};

function countText() {
  if (!Gallery.isComplete) return words.loading;
  return selected.length ? words.count(selected.length, Gallery.rows.length) : words.none;
}

/** Show the rows that were added, too. */
function showAdded() {
  applyKept(Gallery.facets[0].ofRow.length);
  Gallery.readFacets();
  Gallery.render();
}

function read() {
  const before = view;
  view = Gallery.readView(location.hash);
  if (search.value !== view.query && document.activeElement !== search) search.value = view.query;
  sort.value = view.sort;
  Gallery.render();
  const withoutOpen = (some) => some && Gallery.writeView({ ...some, open: "" });
  if (before && withoutOpen(before) !== withoutOpen(view)) scrollTo(0, 0);
}

function showFacets() {
  const openNames = new Set([...filters.querySelectorAll("details[open]")].map((d) => d.dataset.name));
  const isFirst = !filters.children.length;
  const groups = Gallery.facets.map((facet) => {
    const chosen = view.chosen[facet.name];
    const shown = facet.shown(chosen).slice(0, MOST_VALUES);
    if (!shown.length) return "";
    const values = shown.map(({ value, count }) => {
      const button = element("button", {
        type: "button",
        "aria-pressed": chosen.has(value),
        "data-facet": facet.name,
        "data-value": value,
        class: facet.name === "colour" ? `colour ${value}` : undefined,
      }, words[value] && typeof words[value] === "string" && facet.order.includes(value)
        ? words[value] : value, element("span", { class: "number" }, count.toLocaleString()));
      return button;
    });
    const isOpen = isFirst ? facet.order.length > 0 : openNames.has(facet.name);
    return element("details", { "data-name": facet.name, open: isOpen || chosen.size ? "" : false },
      element("summary", {}, words[facet.name]), element("div", { class: "values" }, ...values));
  });
  const focused = document.activeElement.dataset;
  filters.replaceChildren(...groups);
  if (focused && focused.facet) {
    const selector = `[data-facet="${focused.facet}"][data-value="${CSS.escape(focused.value)}"]`;
    const again = filters.querySelector(selector);
    if (again) again.focus();
  }
}

function choose(name, value) {
  const chosen = new Set(view.chosen[name]);
  if (!chosen.delete(value)) chosen.add(value);
  go({ chosen: { ...view.chosen, [name]: chosen } }, true);
}

const KEYS = {
  "/": () => search.focus(),
  "?": () => help.showModal(),
  u: () => Gallery.undo(),
  s: () => decideFocused("star"),
  x: () => decideFocused("hide"),
  o: () => withRow((row) => window.open(row.original, "_blank", "noopener")),
  c: () => lightbox.isOpen && lightbox.copyPath(),
  ArrowLeft: () => lightbox.isOpen && turn(-1),
  ArrowRight: () => lightbox.isOpen && turn(1),
};

function withRow(act) {
  const row = lightbox.isOpen ? lightbox.row : grid.row;
  if (row) act(row);
}

function decideFocused(action) {
  withRow(async (row) => {
    const mark = action === "star" ? "starred" : "hidden";
    const position = grid.focused;
    const isInGrid = !lightbox.isOpen;
    await Gallery.decide(row[mark] ? `un${action}` : action, [row]);
    if (isInGrid && selected.length) grid.focus(Math.min(position, selected.length - 1));
  });
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape" || event.key === "Enter") event.target.blur();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  if (event.key === "/" || event.key === "?") event.preventDefault();
  act();
}

function listen() {
  addEventListener("hashchange", read);
  addEventListener("keydown", pressed);
  search.addEventListener("input", () => go({ query: search.value }));
  sort.addEventListener("change", () => {
    go({ sort: sort.value, seed: 1 + Math.floor(Math.random() * 1e6) }, true);
  });
  filters.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(button.dataset.facet, button.dataset.value);
  });
  document.getElementById("clear").addEventListener("click", () => {
    search.value = "";
    location.hash = `#${Gallery.writeView({ ...Gallery.readView(""), sort: view.sort, seed: view.seed })}`;
  });
  document.getElementById("help-button").addEventListener("click", () => help.showModal());
  filtersButton.addEventListener("click", () => {
    const isOpen = document.body.classList.toggle("with-filters");
    filtersButton.setAttribute("aria-expanded", isOpen);
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

/** Load the scripts with the later rows, and show all. */
async function loadLater() {
  await Promise.all(later.map((src) => new Promise((resolve) => {
    const script = element("script", { src });
    script.addEventListener("load", resolve);
    script.addEventListener("error", resolve);
    document.body.append(script);
  })));
  Gallery.isComplete = true;
  showAdded();
  if (Gallery.config.served) setInterval(poll, POLL_MS);
}

/** Ask the server for what has been stored since the page was loaded. */
async function poll() {
  const newest = Gallery.rows.reduce((latest, row) => (row.storedAt > latest ? row.storedAt : latest), "");
  try {
    const answer = await fetch(`rows?since=${encodeURIComponent(newest)}`);
    const rows = answer.ok ? await answer.json() : [];
    const known = Gallery.rows.length;
    Gallery.add(rows.filter(([source, id]) => !Gallery.find(`${source}/${id}`)));
    if (Gallery.rows.length > known) showAdded();
  } catch {
    // The server is gone, or will answer next time.
  }
}

translate();
noteVisit();
loadKept();
sort.append(...SORTS.map((name) => element("option", { value: name }, words[name])));
listen();
applyKept(0);
Gallery.readFacets();
read();
requestAnimationFrame(() => setTimeout(loadLater)); // after the first rows are painted
