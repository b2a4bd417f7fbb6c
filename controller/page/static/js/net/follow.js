// Joins a view to its stream: shows the connection, and asks who I am again after each break.
import { session, streamAddress } from "./api.js";
import { setConnection } from "../ui/connection.js";
import { Stream } from "./stream.js";

/**
 * Follows the server, or the run `id`. `given` returns the query's values at each attempt; `back` is called when the
 * stream is there again after a break. Returns the `Stream`.
 */
export function follow(handlers, { id = null, given = () => ({}), back = () => {} } = {}) {
  let wasLost = false;
  const stream = new Stream(() => streamAddress(id, given()), handlers, (now) => {
    setConnection(now, () => stream.open());
    if (now.state === "lost") {
      wasLost = true;
      session().then((me) => me.role === null && window.dispatchEvent(new Event("plctl-session")), () => {});
    } else if (now.state === "live" && wasLost) {
      wasLost = false;
      session().catch(() => {}); // another life of the server has another token for changes
      back();
    }
  });
  return stream;
}
