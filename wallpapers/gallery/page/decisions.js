"use strict";
// Star and hide wallpapers, with undo. The server enters decisions into the catalogue; a page that
// was opened as a file keeps them in the browser, and exports them as lists for the program.

const KEPT = "wallpapers.decisions";
const ACTIONS = {
  star: ["starred", true], unstar: ["starred", false],
  hide: ["hidden", true], unhide: ["hidden", false],
};
const OPPOSITE = { star: "unstar", unstar: "star", hide: "unhide", unhide: "hide" };

const done = []; // [action, keys], for undo
let saving = Promise.resolve(true);
let kept = {}; // key -> {starred, hidden}, where they differ from the catalogue

function loadKept() {
  if (Gallery.config.served) return;
  try {
    kept = JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch {
    kept = {};
  }
}

/** Mark the rows from an index on as was decided before. */
function applyKept(start) {
  if (!Object.keys(kept).length) return;
  for (const row of Gallery.rows.slice(start)) {
    const { key } = row;
    const decided = kept[key];
    if (!decided) continue;
    for (const [mark, value] of Object.entries(decided)) {
      if (row[mark] === value) delete decided[mark]; // the catalogue has it by now
      else row[mark] = value;
    }
    if (!Object.keys(decided).length) delete kept[key];
  }
}

function keep(row, mark, value) {
  const decided = kept[row.key] || (kept[row.key] = {});
  if (mark in decided) delete decided[mark]; // back to what the catalogue says
  else decided[mark] = value;
  if (!Object.keys(decided).length) delete kept[row.key];
}

/** Return for each action the keys of the wallpapers that it was taken for. */
function keptByAction() {
  const keys = {};
  for (const [action, [mark, value]] of Object.entries(ACTIONS)) {
    keys[action] = Object.keys(kept).filter((key) => kept[key][mark] === value);
  }
  return keys;
}

async function save(action, keys) {
  if (!Gallery.config.served) {
    try {
      localStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      say(words.notKept);
    }
    return true;
  }
  try {
    const answer = await fetch("decisions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ action, keys }),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

/** Apply an action to rows that it changes, and show the result. */
Gallery.decide = async (action, rows, isUndo = false) => {
  const [mark, value] = ACTIONS[action];
  const changed = rows.filter((row) => row[mark] !== value);
  if (!changed.length) return;
  const set = (to) => {
    for (const row of changed) {
      row[mark] = to;
      if (!Gallery.config.served) keep(row, mark, to);
      Gallery.readAgain(row);
    }
    Gallery.render();
  };
  set(value);
  const keys = changed.map((row) => row.key);
  const step = [action, keys];
  if (!isUndo) done.push(step);
  saving = saving.then(() => save(action, keys)); // in the order of the decisions
  if (!(await saving)) {
    set(!value);
    if (done.includes(step)) done.splice(done.indexOf(step), 1);
    say(words.notSaved);
  }
};

Gallery.undo = async () => {
  const last = done.pop();
  if (!last) {
    say(words.nothingToUndo);
    return;
  }
  const [action, keys] = last;
  await Gallery.decide(OPPOSITE[action], keys.map(Gallery.find).filter(Boolean), true);
  say(words.undone);
};

/** Show a button for each list of decisions that the catalogue does not have yet. */
Gallery.showDecisions = () => {
  const place = document.getElementById("decisions");
  const buttons = Object.entries(keptByAction()).filter(([, keys]) => keys.length).map(
    ([action, keys]) => {
      const title = words.exportHint(action);
      const button = element("button", { type: "button", title }, words.exported(action, keys.length));
      button.addEventListener("click", () => download(`${action}.txt`, `${keys.join("\n")}\n`));
      return button;
    },
  );
  place.replaceChildren(...buttons);
  place.hidden = !buttons.length;
};

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  element("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

let silence;

/** Show a message for some seconds; screen readers read it out. */
function say(text) {
  const place = document.getElementById("message");
  place.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => place.replaceChildren(), 4000);
}
