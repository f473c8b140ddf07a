"use strict";
// One picture on the whole window: thumbnail first, original after, with what is known about it.

const SWIPE_PX = 50;

class Lightbox {
  constructor(turn, close) {
    this.dialog = document.getElementById("lightbox");
    this.picture = document.getElementById("picture");
    this.close = close;
    document.getElementById("previous").addEventListener("click", () => turn(-1));
    document.getElementById("next").addEventListener("click", () => turn(1));
    document.getElementById("close").addEventListener("click", close);
    document.getElementById("star").addEventListener("click", () => this.toggle("star"));
    document.getElementById("hide").addEventListener("click", () => this.toggle("hide"));
    document.getElementById("copy").addEventListener("click", () => this.copyPath());
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) close();
    });
    this.followSwipes(turn);
  }

  followSwipes(turn) {
    let from = null;
    this.picture.addEventListener("pointerdown", (event) => {
      from = event.clientX;
    });
    this.picture.addEventListener("pointerup", (event) => {
      const way = from === null ? 0 : event.clientX - from;
      from = null;
      if (Math.abs(way) > SWIPE_PX) turn(way < 0 ? 1 : -1);
    });
  }

  get isOpen() {
    return this.dialog.open;
  }

  show(row) {
    if (this.row !== row) {
      this.row = row;
      this.load(row);
    }
    document.getElementById("title").textContent = row.label;
    document.getElementById("original").href = row.original;
    document.getElementById("facts").replaceChildren(...factsOf(row));
    this.showMark("star", row.starred ? "starred" : "star", row.starred);
    this.showMark("hide", row.hidden ? "hidden" : "hide", row.hidden);
    this.showAlike(row);
    if (!this.isOpen) this.dialog.showModal();
  }

  hide() {
    this.row = undefined;
    this.picture.removeAttribute("src");
    if (this.isOpen) this.dialog.close();
  }

  load(row) {
    this.picture.alt = row.label;
    this.picture.src = row.thumbnail;
    this.picture.style.aspectRatio = `${row.width} / ${row.height}`;
    const original = new Image();
    original.addEventListener("load", () => {
      if (this.row === row) this.picture.src = original.src;
    });
    original.src = row.original;
  }

  showMark(id, word, isSet) {
    const button = document.getElementById(id);
    button.textContent = words[word];
    button.setAttribute("aria-pressed", isSet);
  }

  showAlike(row) {
    const list = document.getElementById("alike");
    const group = row.group ? Gallery.rows.filter((other) => other.group === row.group) : [];
    group.sort((a, b) => b.quality - a.quality || b.pixels - a.pixels);
    list.hidden = group.length < 2;
    list.setAttribute("aria-label", words.alike);
    list.replaceChildren(...(list.hidden ? [] : group.map((one, place) => {
      const image = element("img", { src: one.thumbnail, alt: one.label });
      const size = `${one.width} × ${one.height}${place ? "" : ` · ${words.best}`}`;
      const keepThis = element("button", { type: "button" }, words.keepThis);
      keepThis.addEventListener("click", async () => {
        await Gallery.decide("unhide", [one]);
        await Gallery.decide("hide", group.filter((other) => other !== one));
      });
      const current = one === row ? "true" : false;
      return element("li", { class: one.hidden ? "hidden" : "", "aria-current": current }, image, size, keepThis);
    })));
  }

  toggle(action) {
    const mark = action === "star" ? "starred" : "hidden";
    return Gallery.decide(this.row[mark] ? `un${action}` : action, [this.row]);
  }

  async copyPath() {
    const { path } = this.row;
    try {
      await navigator.clipboard.writeText(path);
      say(words.copied);
    } catch {
      say(`${words.noCopy}: ${path}`);
    }
  }
}

function factsOf(row) {
  const megabytes = `${(row.bytes / 1e6).toFixed(1)} MB`;
  const facts = [
    ["size", `${row.width} × ${row.height}, ${row.format}, ${megabytes}`],
    ["credit", row.credit],
    ["licence", row.licence],
    ["source", row.source],
    ["listing", row.listings.join(", ")],
    ["date", row.storedAt.slice(0, 10)],
  ];
  const shown = facts.filter(([, value]) => value);
  const elements = shown.flatMap(([word, value]) => [
    element("dt", {}, words[word]), element("dd", { dir: "auto" }, value),
  ]);
  if (isWebAddress(row.page)) {
    const link = element("a", { href: row.page, rel: "noopener noreferrer", target: "_blank" });
    link.append(new URL(row.page).hostname);
    elements.push(element("dt", {}, words.page), element("dd", {}, link));
  }
  return elements;
}

/** Listings come from strangers: only http(s) addresses become links. */
function isWebAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
