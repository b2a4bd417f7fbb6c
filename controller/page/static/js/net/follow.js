// Joins a view to its stream: shows the connection, and asks for the session again after each break.
import { run as askRun, session, streamAddress } from "./api.js";
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
      if (id !== null && !now.since_ms) askRun(id).catch((error) => error.status === 404 && giveUp(error));
    } else if (now.state === "live" && wasLost) {
      wasLost = false;
      session().catch(() => {}); // another life of the server has another token for changes
      back();
    }
  });
  /** There is no such run, which no stream can say. */
  function giveUp(error) {
    stream.close();
    setConnection({ state: "none" }, () => {});
    handlers.error?.({ error: error.message });
  }
  return stream;
}
