// Begins the page: asks for the session, shows the view that the address means, and what is the same on all views.
import { logout, session } from "./net/api.js";
import { setConnection } from "./ui/connection.js";
import { button, element, fill, muted } from "./ui/dom.js";
import { notice, showHelp, useKeys } from "./ui/keys.js";
import { nextTheme, onTheme, themeWords } from "./ui/theme.js";
import { showLogin } from "./views/login.js";
import { showOverview } from "./views/overview.js";
import { showRun } from "./run/run_view.js";
import { showStudy } from "./views/study.js";

let closeView = () => {};
let me = null;
let again = 0; // when nobody could be asked, the next attempt

/** "#/runs/7f/links/leo-0" as ["runs", "7f", "links", "leo-0"]. */
function address() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // somebody wrote a % by hand
    }
  });
}

const main = document.getElementById("main");
let shownRun = null;

function route() {
  const [what, name, ...rest] = address();
  notice("");
  if (me?.role && what === "runs" && name && shownRun?.id === name) {
    shownRun.follow(rest); // the same run: another part of it
    return;
  }
  closeView();
  shownRun = null;
  closeView = () => {};
  if (!me) return;
  if (me.role === null) {
    setConnection({ state: "none" }, () => {});
    closeView = showLogin(main, begin);
  } else if (what === "runs" && name) {
    shownRun = showRun(main, me, name, rest);
    closeView = () => shownRun?.close();
  } else if (what === "studies" && name) {
    closeView = showStudy(main, me, name);
  } else {
    closeView = showOverview(main, me);
  }
  showWay(what, name);
}

function showWay(what, name) {
  const parts = [element("a", { href: "#/", class: "brand" }, "plctl")];
  if (what && name) parts.push(element("span", { class: "crumb" }, what === "runs" ? "run " : "study ", name));
  fill(document.getElementById("way"), parts);
  document.title = name ? `${name} · plctl` : "plctl";
}

function showTools() {
  const role = me?.role ? element("span", { class: "muted role" }, me.role) : null;
  const leave = me?.role && me.login ? button("Log out", () => logout().then(begin, begin)) : null;
  const theme = button(`Colours: ${themeWords()}`, nextTheme, { class: "theme" });
  fill(document.getElementById("tools"), role, leave, theme, button("Keys", showHelp, { title: "Keys (?)" }));
}

/** Asks for the session until the server answers, and shows what the address means. */
async function begin() {
  clearTimeout(again);
  try {
    me = await session();
  } catch (error) {
    const next_ms = Date.now() + 3000;
    setConnection({ state: "lost", since_ms: 0, next_ms }, begin);
    if (!me) fill(main, muted(`Nothing can be shown: ${error.message}.`));
    again = setTimeout(begin, 3000);
    return;
  }
  showTools();
  route();
}

function focusFilter() {
  document.querySelector("main input[type=search]")?.focus();
}

useKeys("Everywhere", {
  "?": ["this list", showHelp],
  o: ["overview", () => { location.hash = "#/"; }],
  t: ["colours: as the system, light, dark", nextTheme],
  "/": ["go to the filter; Esc leaves it", focusFilter],
});
onTheme(showTools);
window.addEventListener("hashchange", route);
window.addEventListener("plctl-session", begin); // a stream came back: the server may know me no more
begin();
