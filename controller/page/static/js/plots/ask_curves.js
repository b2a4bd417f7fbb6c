// Asks for the curves of a link: the whole run as the server folds it, and the newest of it interval by interval.
import { link as askLink } from "../net/api.js";
import { Curves } from "./curves.js";

export const POINTS = 500; // of a curve over the whole run
export const MOST_ROWS = 4000; // with more the older ones are asked for folded
const FINE_S = 120; // of the newest that is kept interval by interval

/** What the server tells of a link, the newest of it interval by interval. */
export async function askCurves(id, link) {
  const told = await askLink(id, link, { points: POINTS });
  const last_s = Math.max(...["up", "down"].map((way) => told[way].measured.end_s.at(-1) ?? 0));
  const isFolded = ["up", "down"].some((way) => told[way].measured.end_s.length >= POINTS / 2);
  if (last_s <= FINE_S) return isFolded ? askLink(id, link, { points: MOST_ROWS }) : told;
  const fine = await askLink(id, link, { from_s: (last_s - FINE_S).toFixed(6), points: MOST_ROWS });
  for (const way of ["up", "down"]) {
    const begin_s = fine[way].measured.start_s[0];
    if (begin_s !== undefined) told[way] = new Curves(told[way]).until(begin_s, new Curves(fine[way]));
  }
  return told;
}
