// Makes elements. Whatever comes from data becomes text: nothing here, and nowhere else, reads markup.

/**
 * An element. Of `attributes`, functions are listeners, null and false are left out, true stands without a value, and
 * what begins with "." is a property. `children` are nodes, text, or null.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name.startsWith(".")) made[name.slice(1)] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** Lets `parent` have these children and no others. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
}

/** Sets text only where it is another: an element that is left alone costs no layout, and no screen reader speaks. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function button(words, action, attributes = {}) {
  return element("button", { type: "button", click: action, ...attributes }, words);
}

export function muted(...words) {
  return element("p", { class: "muted" }, ...words);
}

/** A command to copy. */
export function code(words) {
  return element("code", {}, words);
}

/** How a run, a link or an agent is, in a word and a colour. */
export function badge(word, kind = word) {
  return element("span", { class: `badge ${String(kind).replace(/[^a-z]+/g, "-")}` }, word);
}
