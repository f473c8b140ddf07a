"use strict";
// One picture on the whole window: thumbnail first, original after, with what is known about it.

const SWIPE_PX = 50;

class Lightbox {
  constructor(turn, close) {
    this.dialog = byId("lightbox");
    this.picture = byId("picture");
    onClicks({
      previous: () => turn(-1),
      next: () => turn(1),
      close,
      star: () => Gallery.toggle("starred", this.row),
      hide: () => Gallery.toggle("hidden", this.row),
      copy: () => this.copyPath(),
    });
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
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
    byId("title").textContent = row.label;
    byId("original").href = row.original;
    byId("facts").replaceChildren(...factsOf(row));
    this.showMark("star", row.starred ? "starred" : "star", row.starred);
    this.showMark("hide", row.hidden ? "hidden" : "hide", row.hidden);
    this.showAlike(row);
    if (!this.isOpen) this.dialog.showModal();
  }

  hide() {
    this.row = undefined;
    this.picture.removeAttribute("src");
    this.dialog.close();
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
    const button = byId(id);
    button.textContent = words[word];
    button.setAttribute("aria-pressed", isSet);
  }

  showAlike(row) {
    const copies = row.group ? Gallery.rows.filter(({ group }) => group === row.group) : [];
    copies.sort((a, b) => b.quality - a.quality || b.pixels - a.pixels);
    const list = byId("alike");
    list.hidden = copies.length < 2;
    list.setAttribute("aria-label", words.alike);
    list.replaceChildren(...copies.map((copy, place) => {
      const keepThis = element("button", { type: "button" }, words.keepThis);
      keepThis.addEventListener("click", async () => {
        await Gallery.decide("hidden", false, [copy]);
        await Gallery.decide("hidden", true, copies.filter((other) => other !== copy));
      });
      return element(
        "li",
        { class: copy.hidden && "hidden", "aria-current": copy === row && "true" },
        element("img", { src: copy.thumbnail, alt: copy.label }),
        `${copy.width} × ${copy.height}${place ? "" : ` · ${words.best}`}`,
        keepThis,
      );
    }));
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
  const facts = [
    ["size", `${row.width} × ${row.height}, ${row.format}, ${(row.bytes / 1e6).toFixed(1)} MB`],
    ["credit", row.credit],
    ["licence", row.licence],
    ["source", row.source],
    ["listing", row.listings.join(", ")],
    ["date", row.storedAt.slice(0, 10)],
    ["page", linkTo(row.page)],
  ];
  return facts.filter(([, fact]) => fact).flatMap(([word, fact]) => [
    element("dt", {}, words[word]), element("dd", { dir: "auto" }, fact),
  ]);
}

/** Return a link, or null: listings come from strangers, and only http(s) addresses are links. */
function linkTo(address) {
  if (!URL.canParse(address)) return null;
  const { protocol, hostname } = new URL(address);
  if (!["http:", "https:"].includes(protocol)) return null;
  return element("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, hostname);
}
