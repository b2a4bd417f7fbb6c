// Says whether what is shown is live, and how old it is where it is not.
import { button, element, fill, setText } from "./dom.js";
import { span } from "./format.js";

let now = { state: "connecting" };
let retry = () => {};
let shown = null;
let age = null;

/** What the connection is now (see `Stream`), and what tries again at once. */
export function setConnection(state, tryNow) {
  now = state;
  retry = tryNow;
  draw();
}

const WORDS = { connecting: "connecting …", live: "live", over: "over: nothing more will come", lost: "Disconnected." };

/** How old what is shown is: written each second, and not read out by screen readers. */
function ageWords() {
  if (now.state !== "lost") return "";
  const old = now.since_ms ? `What is shown is ${span((Date.now() - now.since_ms) / 1000)} old.` : "Nothing has come yet.";
  const wait_s = Math.ceil((now.next_ms - Date.now()) / 1000);
  return ` ${old} ${wait_s > 0 ? `Next try in ${wait_s} s.` : "Trying …"}`;
}

function draw() {
  const place = document.getElementById("connection");
  if (shown !== now.state) {
    shown = now.state;
    place.className = now.state;
    document.body.classList.toggle("stale", now.state === "lost");
    age = element("span", {});
    fill(place, element("span", { role: "status" }, WORDS[now.state] ?? ""), age,
      now.state === "lost" ? button("Try now", () => retry()) : null);
  }
  setText(age, ageWords());
}

setInterval(() => now.state === "lost" && draw(), 1000);
