// A form made from the model's own input schema.

import * as api from "./api.js";
import { card, field, form, h, show, table } from "./dom.js";

// `steps` is how far a forecast was asked to see; others have none.
export function predictCard(model, steps) {
  if (model.task === "forecast") return forecastCard(model, steps ?? 4);
  const inputs = model.input_schema.map((column) => [column, control(column)]);
  const fields = inputs.map(([column, node]) => {
    const box = field(column.name, node, hint(column));
    if (column.categories?.length && node.type === "text") box.append(suggestions(column, node));
    return box;
  });
  const answer = h("div", { "aria-live": "polite" });
  return card(`Predict ${model.target ?? ""}`,
    form("Predict", [h("div", { class: "grid" }, fields)], async () => {
      const row = {};
      for (const [column, node] of inputs) {
        if (node.value !== "") row[column.name] = value(column, node.value);
      }
      const found = await api.post(`/models/${model.id}/predict`, { rows: [row], explain: true });
      answer.replaceChildren(...shown(found));
    }), answer);
}

// The next steps of every series: a forecast needs no rows.
function forecastCard(model, steps) {
  const horizon = h("input", { type: "number", min: 1, value: steps, required: true });
  // Of what a forecast needs, only its time has a range.
  const time = model.input_schema.find((column) => column.required && column.range);
  const answer = h("div", { "aria-live": "polite" });
  return card(`Forecast ${model.target}`,
    form("Forecast", [field("Steps ahead", horizon, range(time))], async () => {
      const found = await api.post(`/models/${model.id}/predict`,
        { horizon: Number(horizon.value) });
      const many = found.predictions.some((one) => one.series != null);
      const heads = ["Time", ...(many ? ["Series"] : []), model.target, "From", "To"];
      answer.replaceChildren(table("Forecast", heads, found.predictions.slice(0, 500).map((one) => [
        String(one.time), ...(many ? [one.series] : []), one.prediction,
        one.interval?.low ?? null, one.interval?.high ?? null])));
    }), answer);
}

function range(column) {
  return column?.range ? `${column.name}: ${column.range[0]} to ${column.range[1]}` : "";
}

function control(column) {
  const example = column.example ?? "";
  if (column.type === "boolean") {
    const node = h("select", {}, ["", "true", "false"].map((text) => h("option", {}, text)));
    node.value = String(example);
    return node;
  }
  const numeric = ["integer", "number"].includes(column.type);
  return h("input", { type: numeric ? "number" : "text", step: numeric ? "any" : null,
    required: column.required, value: String(example) });
}

// The categories that the model was trained on; any other may be typed too.
function suggestions(column, node) {
  const list = h("datalist", { id: `${node.id}-seen` },
    column.categories.map((text) => h("option", {}, String(text))));
  node.setAttribute("list", list.id);
  return list;
}

function hint(column) {
  if (column.range) return `seen: ${show(column.range[0])} to ${show(column.range[1])}`;
  return column.required ? "needed" : "";
}

function value(column, text) {
  if (["integer", "number"].includes(column.type)) return Number(text);
  return column.type === "boolean" ? text === "true" : text;
}

function shown(found) {
  const [one] = found.predictions;
  const chances = Object.entries(one.probabilities ?? {});
  const reasons = one.explanation?.contributions ?? [];
  return [
    h("p", { class: "answer" }, show(one.prediction), interval(one.interval)),
    h("dl", { class: "chances" }, chances.map(([name, chance]) => h("div", {},
      h("dt", {}, name), h("dd", {}, h("meter", { value: chance, "aria-label": name }),
        `${(100 * chance).toFixed(1)} %`)))),
    reasons.length ? h("p", {}, `What weighed, on the ${one.explanation.scale}:`) : null,
    reasons.length ? h("ul", {}, reasons.slice(0, 6).map((reason) =>
      h("li", {}, `${reason.feature}: ${signed(reason.contribution)}`))) : null,
    found.warnings?.length ? h("ul", { class: "facts" }, found.warnings.map((warning) =>
      h("li", {}, warning.message ?? show(warning)))) : null,
  ].filter(Boolean);
}

function signed(number) {
  return `${number < 0 ? "−" : "+"}${show(Math.abs(number))}`;
}

function interval(bounds) {
  return bounds ? h("small", {}, ` between ${show(bounds.low)} and ${show(bounds.high)}`) : null;
}
