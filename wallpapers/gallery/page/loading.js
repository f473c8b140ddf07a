"use strict";
// Load the rows that the page began without: the older ones, and those that are stored meanwhile.

const POLL_MS = 4000;
// The scripts with the older rows; build.py writes their names into the tag of this script.
const LATER = document.currentScript.dataset.later.split(" ").filter(Boolean);

/** Load the older rows, and then, from a server, what is stored from now on. */
Gallery.loadLater = async (showAdded) => {
  await Promise.all(LATER.map(loadScript));
  Gallery.isComplete = true;
  showAdded();
  if (Gallery.config.served) setInterval(() => poll(showAdded), POLL_MS);
};

function loadScript(src) {
  return new Promise((resolve) => {
    const script = element("script", { src });
    script.addEventListener("load", resolve);
    script.addEventListener("error", resolve); // the others are shown without it
    document.body.append(script);
  });
}

async function poll(showAdded) {
  const newest = Gallery.rows.reduce((latest, row) => (row.storedAt > latest ? row.storedAt : latest), "");
  try {
    const answer = await fetch(`rows?since=${encodeURIComponent(newest)}`);
    const rows = answer.ok ? await answer.json() : [];
    const added = rows.filter(([source, id]) => !Gallery.find(`${source}/${id}`));
    Gallery.add(added);
    if (added.length) showAdded();
  } catch {
    // The server is gone, or will answer next time.
  }
}
