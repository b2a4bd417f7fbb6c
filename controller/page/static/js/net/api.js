// Asks the server: one function a request, errors as sentences.

const BASE = "/api/v1";
let csrf = "";

/** What the server refused or could not do, in its own words; `status` 0: it could not be reached. */
export class ServerError extends Error {
  constructor(words, status) {
    super(words);
    this.status = status;
  }
}

async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(BASE + path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new ServerError("the server cannot be reached", 0);
  }
  let document_ = null;
  try {
    document_ = await answer.json();
  } catch { /* no document: the status says enough */ }
  if (!answer.ok) {
    throw new ServerError(String(document_?.error ?? `the server answered ${answer.status}`), answer.status);
  }
  return document_;
}

function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF": csrf };
  return request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

const part = encodeURIComponent;

function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${given.map(([name, value]) => `${name}=${part(value)}`).join("&")}` : "";
}

/** The session: who is logged in, and what they may do. Keeps the token that goes with a change. */
export async function session() {
  const found = await request("/session");
  csrf = found.csrf ?? "";
  return found;
}

export const login = (token) => post("/login", { token });
export const logout = () => post("/logout", {});
export const runs = (limit) => request(`/runs${query({ limit })}`);
export const run = (id) => request(`/runs/${part(id)}`);
export const link = (id, name, range = {}) => request(`/runs/${part(id)}/links/${part(name)}${query(range)}`);
export const why = (id, name = null) => request(`/runs/${part(id)}/why${query({ link: name })}`);
export const files = (id) => request(`/runs/${part(id)}/files`);
export const study = (name) => request(`/studies/${part(name)}`);
export const cancel = (id) => post(`/runs/${part(id)}/cancel`, {});
export const cancelStudy = (name) => post(`/studies/${part(name)}/cancel`, {});

export function output(id, linkName, workload, stream, offset) {
  return request(`/runs/${part(id)}/output/${part(linkName)}/${part(workload)}${query({ stream, offset })}`);
}

/** Where a file of a run is downloaded from. */
export function fileAddress(id, path) {
  return `${BASE}/runs/${part(id)}/files/${path.split("/").map(part).join("/")}`;
}

export function streamAddress(id = null, given = {}) {
  return `${BASE}${id === null ? "" : `/runs/${part(id)}`}/stream${query(given)}`;
}
