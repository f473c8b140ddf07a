"use strict";
// The filters beside the grid: a button for each value of each facet.

const MOST_VALUES = 40; // of a facet, such as the listings

class Filters {
  constructor(place, choose) {
    this.place = place;
    this.groups = Gallery.facets.map((facet) => {
      const values = element("div", { class: "values" });
      const summary = element("summary", {}, words[facet.name]);
      const group = element("details", { open: facet.order.length > 0, hidden: true }, summary, values);
      return { facet, group, values };
    });
    place.append(...this.groups.map(({ group }) => group));
    place.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) choose(button.dataset.facet, button.dataset.value);
    });
  }

  /** Show the counts of the facets. *chosen* has a set of values for each of them. */
  show(chosen) {
    const { facet: name, value } = document.activeElement.dataset;
    for (const { facet, group, values } of this.groups) {
      const ofFacet = chosen[facet.name];
      const shown = facet.shown(ofFacet).slice(0, MOST_VALUES);
      values.replaceChildren(...shown.map((one) => valueButton(facet, one, ofFacet.has(one.value))));
      group.hidden = !shown.length;
      if (ofFacet.size) group.open = true;
    }
    if (name) this.focus(name, value);
  }

  focus(name, value) {
    const button = `[data-facet="${name}"][data-value="${CSS.escape(value)}"]`;
    this.place.querySelector(button)?.focus();
  }
}

function valueButton(facet, { value, count }, isChosen) {
  const isOurs = facet.order.includes(value); // others are words of the listings
  return element(
    "button",
    {
      type: "button",
      "aria-pressed": String(isChosen),
      "data-facet": facet.name,
      "data-value": value,
      class: facet.name === "colour" && `colour ${value}`,
    },
    (isOurs && words[value]) || value,
    element("span", { class: "number" }, count.toLocaleString()),
  );
}
