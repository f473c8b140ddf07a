"use strict";
// Star and hide wallpapers, with undo. The server enters decisions into the catalogue; a page that
// was opened as a file keeps them in the browser, and exports them as lists for the program.

const KEPT = "wallpapers.decisions";
// The commands of the program that give a mark a value.
const COMMANDS = {
  starred: { true: "star", false: "unstar" },
  hidden: { true: "hide", false: "unhide" },
};

const done = []; // [mark, value, rows], for undo
let saving = Promise.resolve(true);
// Rows with decisions that are being saved: their number, and the value that was saved last.
const unsaved = { starred: new Map(), hidden: new Map() };
let kept = {}; // key -> {starred, hidden}, where they differ from the catalogue

function loadKept() {
  if (Gallery.config.served) return;
  try {
    kept = JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch {
    // Without storage, nothing was kept.
  }
}

/** Mark rows as was decided before. */
function applyKept(rows) {
  if (!Object.keys(kept).length) return;
  for (const row of rows) {
    for (const [mark, value] of Object.entries(kept[row.key] || {})) {
      if (row[mark] === value) keep(row, mark, value); // the catalogue has it by now
      else row[mark] = value;
    }
  }
}

/** Keep a decision, or forget the one that it takes back. */
function keep({ key }, mark, value) {
  const decided = kept[key] || (kept[key] = {});
  if (mark in decided) delete decided[mark];
  else decided[mark] = value;
  if (!Object.keys(decided).length) delete kept[key];
}

function setMarks(rows, mark, value) {
  for (const row of rows) {
    row[mark] = value;
    if (!Gallery.config.served) keep(row, mark, value);
    Gallery.readAgain(row);
  }
  Gallery.render();
}

/** Return whether a decision could be saved. */
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

/** Show and save a decision on rows; return whether it was saved. */
async function apply(mark, value, rows) {
  for (const row of rows) {
    const pending = unsaved[mark].get(row) || { saved: row[mark], count: 0 };
    pending.count += 1;
    unsaved[mark].set(row, pending);
  }
  setMarks(rows, mark, value);
  const keys = rows.map((row) => row.key);
  saving = saving.then(() => save(COMMANDS[mark][value], keys)); // in the order of the decisions
  const isSaved = await saving;
  const wrong = rows.filter((row) => settle(row, mark, value, isSaved));
  if (wrong.length) setMarks(wrong, mark, !value);
  if (!isSaved) say(words.notSaved);
  return isSaved;
}

/** Note that a decision was saved or not; return whether it was the last one and shows a wrong value. */
function settle(row, mark, value, isSaved) {
  const pending = unsaved[mark].get(row);
  if (isSaved) pending.saved = value;
  pending.count -= 1;
  if (pending.count) return false;
  unsaved[mark].delete(row);
  return pending.saved !== value;
}

/** Give a mark a value, for the rows that have the other one. */
Gallery.decide = async (mark, value, rows) => {
  const changed = rows.filter((row) => row[mark] !== value);
  if (!changed.length) return;
  const step = [mark, value, changed];
  done.push(step);
  if (!(await apply(...step)) && done.includes(step)) done.splice(done.indexOf(step), 1);
};

Gallery.toggle = (mark, row) => Gallery.decide(mark, !row[mark], [row]);

Gallery.undo = async () => {
  const last = done.pop();
  if (!last) {
    say(words.nothingToUndo);
    return;
  }
  const [mark, value, rows] = last;
  if (await apply(mark, !value, rows)) say(words.undone);
  else done.push(last);
};

/** Show a button for each list of decisions that the catalogue does not have yet. */
Gallery.showDecisions = () => {
  const buttons = [];
  for (const [mark, commands] of Object.entries(COMMANDS)) {
    for (const value of [true, false]) {
      const keys = Object.keys(kept).filter((key) => kept[key][mark] === value);
      if (keys.length) buttons.push(exportButton(commands[value], keys));
    }
  }
  byId("decisions").replaceChildren(...buttons);
};

function exportButton(action, keys) {
  const title = words.exportHint(action);
  const button = element("button", { type: "button", title }, words.exported(action, keys.length));
  button.addEventListener("click", () => {
    const href = URL.createObjectURL(new Blob([`${keys.join("\n")}\n`], { type: "text/plain" }));
    element("a", { href, download: `${action}.txt` }).click();
    URL.revokeObjectURL(href);
  });
  return button;
}
