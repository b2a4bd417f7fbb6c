// Single keys: a view that is shown registers what they do, the help lists them, and none works while somebody types.
import { button, element, fill } from "./dom.js";

const KEY = "plctl.keys";
const layers = []; // of the page, of what is shown, of a part of it: the last one that knows a key acts

/** Lets each of `keys` ({key: [words, action]}) act until the returned function is called. `place` heads the list. */
export function useKeys(place, keys) {
  const layer = { place, keys };
  layers.push(layer);
  return () => {
    const at = layers.indexOf(layer);
    if (at >= 0) layers.splice(at, 1);
  };
}

function isOn() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

function isTyping(target) {
  return target instanceof HTMLElement && target.closest("input, select, textarea, [contenteditable]") !== null;
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key !== "?" && event.key !== "Escape" && !isOn()) return;
  const pressed = event.target instanceof HTMLElement && event.target.closest("button, a, summary, [role=option]");
  if (pressed && (event.key === " " || event.key === "Enter")) return; // it means what has the focus
  for (const { keys } of [...layers].reverse()) {
    if (event.key in keys) {
      event.preventDefault();
      keys[event.key][1](event);
      return;
    }
  }
}

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" };

/** Shows what keys there are, and whether they are to work. */
export function showHelp() {
  const rows = [...layers].reverse().flatMap(({ place, keys }) => [
    element("tr", {}, element("th", { colspan: 2, scope: "colgroup" }, place)),
    ...Object.entries(keys).map(([key, [words]]) =>
      element("tr", {}, element("td", {}, element("kbd", {}, NAMES[key] ?? key)), element("td", {}, words))),
  ]);
  const box = element("input", { type: "checkbox", id: "keys-on", ".checked": isOn(), change: remember });
  const dialog = element("dialog", { class: "help", "aria-labelledby": "help-title" },
    element("h2", { id: "help-title", tabindex: "-1", autofocus: true }, "Keys"),
    element("table", {}, element("tbody", {}, rows)),
    element("p", {}, box, element("label", { for: "keys-on" }, " Single keys work on this page")),
    element("div", { class: "actions" }, button("Close", () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function remember(event) {
  try {
    localStorage.setItem(KEY, event.target.checked ? "on" : "off");
  } catch { /* it holds for nobody */ }
}

document.addEventListener("keydown", onKey);

/** Asks before something that cannot be taken back. Resolves to whether it is wanted. */
export function confirm(title, words, yes, no) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { "aria-labelledby": "confirm-title" },
      element("h2", { id: "confirm-title" }, title), element("p", {}, words),
      element("div", { class: "actions" },
        button(no, () => dialog.close("no"), { autofocus: true }),
        button(yes, () => dialog.close("yes"), { class: "danger" })));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Says that something failed, where everybody sees it; empty words take it away. */
export function notice(words) {
  const place = document.getElementById("notice");
  fill(place, words ? [element("span", {}, words), button("Dismiss", () => notice(""))] : []);
}
