// What changed from another table, or an earlier version, to this one.

import * as api from "./api.js";
import { card, field, form, h, select, table } from "./dom.js";

const VERDICTS = { strong: "strong", moderate: "moderate", none: "no change",
  too_few_rows: "too few rows to say" };
const PATIENCE = 120;

export function compareCard(dataset, versions, datasets) {
  const choices = [
    ...versions.filter((one) => one.version !== dataset.version)
      .map((one) => [`${dataset.id}?version=${one.version}`,
        `version ${one.version}: ${one.filename}, ${one.rows} rows`]),
    ...datasets.filter((one) => one.id !== dataset.id)
      .map((one) => [one.id, `${one.filename}, ${one.rows} rows`]),
  ];
  if (!choices.length) {
    return card("What changed", h("p", { class: "facts" },
      "Send another table, or a newer file of this one, to see here what changed between the two."));
  }
  const other = select(choices);
  const result = h("div", { class: "stack", "aria-live": "polite" });
  return card("What changed", form("Compare", [field("Since which table or version?", other)],
    async () => {
      const [before, query] = other.value.split("?");
      result.replaceChildren(h("p", { class: "facts" }, "Comparing…"));
      try {
        const found = await compared(`/datasets/${before}/compare/${dataset.id}`
          + (query ? `?${query}` : ""));
        result.replaceChildren(...shown(found));
      } catch (error) {
        result.replaceChildren();
        throw error;
      }
    }), result);
}

// A comparison that takes longer than a request may is asked for again until it is there.
async function compared(path) {
  for (let turn = 0; turn < PATIENCE; turn++) {
    const response = await api.send("GET", path);
    if (response.status !== 202) return response.json();
    const seconds = Number(response.headers.get("Retry-After")) || 5;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  throw new Error("The comparison takes very long; ask for it again later.");
}

function shown(found) {
  const changed = found.columns.filter((one) => one.message);
  const same = found.columns.length - changed.length;
  return [
    h("ul", { class: "summary" }, found.summary.map((sentence) => h("li", {}, sentence))),
    schemaTable(found.schema),
    changed.length ? table("What the columns hold",
      ["Column", "Change", "PSI", "p, corrected", "What changed", "New values"],
      changed.map((one) => [one.name, verdict(one), rounded(one.psi, 2), rounded(one.p_corrected, 3),
        h("span", { class: "told" }, one.message), fresh(one)])) : null,
    same ? h("p", { class: "facts" }, `${same === 1 ? "One column holds" : `${same} columns hold`} `
      + "what was there before.") : null,
  ].filter(Boolean);
}

function verdict(column) {
  const loud = ["strong", "moderate"].includes(column.verdict);
  if (loud || !column.missing_changed) {
    return h("span", { class: loud ? "badge" : null }, VERDICTS[column.verdict] ?? column.verdict);
  }
  return h("span", { class: "badge" }, "missing cells");
}

function fresh(column) {
  const found = column.new;
  if (!found?.count) return null;
  const names = found.values.slice(0, 3).map((one) => String(one.value)).join(", ");
  return h("span", { class: "told" }, `${found.count}: ${names}${found.count > 3 ? " …" : ""}`);
}

function schemaTable(schema) {
  const rows = [
    ...schema.added.map((one) => [one.name, "new", null, one.type]),
    ...schema.removed.map((one) => [one.name, "gone", one.type, null]),
    ...schema.retyped.map((one) => [one.name, "another type", one.before, one.after]),
  ];
  return rows.length
    ? table("Columns that came, went or changed", ["Column", "What", "Type before", "Type now"], rows)
    : null;
}

// A figure of the table; one that rounding would make 0 is told as small.
function rounded(value, decimals) {
  if (value === null || value === undefined) return null;
  const least = 10 ** -decimals;
  if (value >= least || value < 0 || decimals < 3) return Number(value.toFixed(decimals));
  return h("div", { class: "number" }, `< ${least}`);
}
