"use strict";
// Find and make elements of the page, and show messages.

const MESSAGE_MS = 4000;

const byId = (id) => document.getElementById(id);

/** Return an element with attributes and children; texts become text nodes, never markup. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}

/** Call a function for each click on the element with its id. */
function onClicks(actions) {
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", () => act());
}

let silence;

/** Show a message for some seconds; screen readers read it out. */
function say(text) {
  const place = byId("message");
  place.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => place.replaceChildren(), MESSAGE_MS);
}
