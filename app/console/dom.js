// Elements out of values. Text is always text: nothing here ever parses HTML.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

let ids = 0;

export function field(label, control, hint) {
  control.id ||= `field-${++ids}`;
  const note = hint ? h("small", { id: `${control.id}-hint` }, hint) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

export function select(options, value) {
  const rows = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const node = h("select", {}, rows.map(([key, text]) => h("option", { value: key }, text)));
  if (value !== undefined) node.value = value;
  return node;
}

export function table(caption, headings, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, headings.map((text, column) => {
        const kind = rows.some((cells) => typeof cells[column] === "number") ? "number" : null;
        return h("th", { scope: "col", class: kind }, text);
      }))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map(cell))))));
}

function cell(value) {
  if (value instanceof Node) return h("td", {}, value);
  if (value === null || value === undefined) return h("td", { class: "missing" }, "–");
  return h("td", { class: typeof value === "number" ? "number" : null }, show(value));
}

export function show(value) {
  if (typeof value === "number") {
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "–");
}

export function card(title, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), ...children);
}

export function bytes(size) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  for (; size >= 1000 && unit < 3; unit++) size /= 1000;
  return `${size.toFixed(unit ? 1 : 0)} ${units[unit]}`;
}

export function when(time) {
  return time ? new Date(time).toLocaleString() : null;
}

const notice = () => document.getElementById("notice");

export function tell(error) {
  const lines = (error.errors ?? []).map((one) => h("li", {}, `${one.location}: ${one.message}`));
  const close = h("button", { type: "button", class: "quiet", onclick: quiet }, "Close");
  notice().replaceChildren(h("div", {}, h("p", {}, error.message), h("ul", {}, lines), close));
}

export function quiet() {
  notice().replaceChildren();
}

// Runs an action with its button out of reach, and shows what went wrong.
export async function busy(button, action) {
  quiet();
  if (button) button.disabled = true;
  try {
    return await action();
  } catch (error) {
    if (error.name !== "AbortError") tell(error);
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

export function form(label, fields, action) {
  const submit = h("button", {}, label);
  return h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      busy(submit, action);
    },
  }, fields, submit);
}
