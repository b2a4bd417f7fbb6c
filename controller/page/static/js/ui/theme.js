// Light or dark: as the system says, or as somebody chose here; remembered by the browser alone.

const NAMES = { auto: "as the system", light: "light", dark: "dark" };
const KEY = "plctl.theme";
const listeners = new Set();

function remembered() {
  try {
    const found = localStorage.getItem(KEY);
    return found in NAMES ? found : "auto";
  } catch {
    return "auto"; // a browser that keeps nothing
  }
}

let chosen = remembered();

function apply() {
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the colours change; returns what ends that. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function nextTheme() {
  const names = Object.keys(NAMES);
  chosen = names[(names.indexOf(chosen) + 1) % names.length];
  try {
    localStorage.setItem(KEY, chosen);
  } catch { /* it holds until the page is left */ }
  apply();
}

export function themeWords() {
  return NAMES[chosen];
}

/** A colour of css/colours.css as it is now, for what is drawn on a canvas. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
apply();
