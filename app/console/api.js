// The console's only way out: UAM's HTTP API, called like any other client calls it.

const KEEP = "uam-session";
let session = JSON.parse(sessionStorage.getItem(KEEP) ?? "null");
let refreshing = null;
let signedOut = () => {};

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The server answered ${status}.`);
    this.status = status;
    this.errors = body?.errors;
  }
}

export const user = () => session?.user ?? null;

export function onSignedOut(callback) {
  signedOut = callback;
}

export function keep(answer) {
  session = answer;
  if (answer) sessionStorage.setItem(KEEP, JSON.stringify(answer));
  else sessionStorage.removeItem(KEEP);
}

export async function signOut() {
  const token = session?.refresh_token;
  if (token) await call("POST", "/auth/logout", { refresh_token: token }).catch(() => {});
  keep(null);
  signedOut();
}

// One refresh at a time: a refresh token is spent at its first use.
async function refresh() {
  refreshing ??= (async () => {
    const body = JSON.stringify({ refresh_token: session.refresh_token });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("/auth/refresh", { method: "POST", headers, body });
    keep(response.ok ? await response.json() : null);
  })().finally(() => {
    refreshing = null;
  });
  await refreshing;
}

export async function send(method, path, { body, headers = {}, signal, onSent } = {}) {
  const attempt = () => {
    const all = { ...headers };
    if (session) all.Authorization = `Bearer ${session.access_token}`;
    if (onSent) return transfer(method, path, all, body, onSent);
    return fetch(path, { method, headers: all, body, signal });
  };
  let response = await attempt();
  if (response.status === 401 && session?.refresh_token) {
    await refresh();
    if (!session) {
      signedOut();
      throw new Problem(401, { detail: "Your session has ended. Please sign in again." });
    }
    response = await attempt();
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => null));
  return response;
}

// What `fetch` does, but `onSent` hears how much of the body has gone: a share from 0 to 1.
function transfer(method, path, headers, body, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onSent(event.loaded / event.total);
    });
    request.addEventListener("load", () =>
      resolve(new Response(request.response, { status: request.status })));
    request.addEventListener("error", () => reject(new Error("The connection broke off.")));
    request.send(body);
  });
}

export async function call(method, path, json, headers = {}, onSent = null) {
  const options = { headers, onSent };
  if (json instanceof FormData) options.body = json;
  else if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers = { ...headers, "Content-Type": "application/json" };
  }
  const response = await send(method, path, options);
  return response.status === 204 ? null : response.json();
}

export const get = (path) => call("GET", path);
export const post = (path, json, headers) => call("POST", path, json, headers);
export const upload = (path, form, onSent) => call("POST", path, form, {}, onSent);

// Server-sent events by fetch, since EventSource cannot carry a token. A stream that breaks off
// is taken up again after the last event seen. Ends with the event `done`.
export async function watch(path, onEvent, signal) {
  let last = "";
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 10000)) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await send("GET", path, { headers, signal });
      for await (const event of events(response.body)) {
        last = event.id || last;
        wait = 500;
        onEvent(event);
        if (event.kind === "done") return;
      }
    } catch (error) {
      if (signal.aborted || (error instanceof Problem && error.status < 500)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

function parse(block) {
  const event = { kind: "message", id: "", data: [] };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event.kind = value;
    else if (name === "id") event.id = value;
    else if (name === "data") event.data.push(value);
  }
  return event.data.length ? { ...event, data: JSON.parse(event.data.join("\n")) } : null;
}
