"use strict";
// Draws the path of the chosen instant over the map, and shows one route alone while the mouse is on its row.
const data = JSON.parse(document.getElementById("frames").textContent);
const now = document.getElementById("now");
const said = document.getElementById("said");
const drawing = document.querySelector("svg");

function add(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  now.append(made);
}

function line(from, to, colour) {
  add("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: colour, "stroke-width": 3.2 });
}

function show(index) {
  const [time, route, delay, way] = data.frames[index];
  const colour = data.colours[Math.max(0, route) % data.colours.length];
  now.replaceChildren();
  for (let place = 1; place < way.length; place++) {
    const from = way[place - 1], to = way[place], apart = to[0] - from[0];
    if (Math.abs(apart) <= data.turn / 2) {
      line(from, to, colour);
    } else { // the shorter way leaves the map on one side and comes back on the other
      const shift = apart > 0 ? -data.turn : data.turn;
      line(from, [to[0] + shift, to[1]], colour);
      line([from[0] - shift, from[1]], to, colour);
    }
  }
  for (const [x, y] of way.slice(1, -1)) {
    add("circle", { cx: x, cy: y, r: 4.5, fill: colour, stroke: "#fff", "stroke-width": 1.2 });
  }
  const clock = new Date((data.begin + time) * 1000).toISOString().slice(11, 21);
  const what = route < 0 ? "no path" : `route ${route}, ${delay.toFixed(3)} ms one way`;
  said.textContent = `${time.toFixed(1)} s (${clock} UTC): ${what}`;
  for (const shown of drawing.querySelectorAll(".way")) shown.classList.remove("shown");
  drawing.classList.add("chosen");
}

for (const row of document.querySelectorAll("tr[data-route]")) {
  const ways = drawing.querySelectorAll(`.way[data-route="${row.dataset.route}"]`);
  row.addEventListener("mouseenter", () => {
    drawing.classList.add("chosen");
    now.replaceChildren();
    for (const way of ways) way.classList.add("shown");
  });
  row.addEventListener("mouseleave", () => {
    drawing.classList.remove("chosen");
    for (const way of ways) way.classList.remove("shown");
  });
}
document.getElementById("time").addEventListener("input", (event) => show(Number(event.target.value)));
