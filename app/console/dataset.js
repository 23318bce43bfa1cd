// One dataset: its columns, its first rows, a run to start and questions to ask.

import * as api from "./api.js";
import { bytes, busy, card, field, form, h, select, table, when } from "./dom.js";
import { draw } from "./charts.js";
import { compareCard } from "./compare.js";

const TYPES = ["integer", "number", "boolean", "datetime", "categorical", "text", "id", "constant"];

export async function datasetPage(id) {
  const [dataset, preview, versions, others] = await Promise.all([
    api.get(`/datasets/${id}`), api.get(`/datasets/${id}/preview?rows=20`),
    api.get(`/datasets/${id}/versions?limit=20`), api.get("/datasets?limit=200")]);
  const names = preview.columns.map((one) => one.name);
  return [
    h("h1", {}, dataset.filename),
    h("p", { class: "facts" }, `${dataset.rows.toLocaleString()} rows × ${dataset.cols} columns, `
      + `${bytes(dataset.size_bytes)}, version ${dataset.version} of ${when(dataset.uploaded_at)}`),
    h("div", { class: "pair" }, startCard(id, preview.columns), askCard(id)),
    warnings(dataset.warnings),
    card("Columns", columnsTable(id, preview.columns)),
    card("First rows", table("First rows", names,
      preview.first_rows.map((row) => names.map((name) => row[name])))),
    versionsCard(id, versions),
    compareCard(dataset, versions, others),
  ];
}

const MODES = { upload: "first upload", replace: "in place of the last", append: "behind the last",
  retype: "other types" };

// The versions there are, and a form for the next one.
function versionsCard(id, versions) {
  const file = h("input", { type: "file", required: true });
  const mode = select([["replace", "in the place of the rows that are there"],
    ["append", "behind the rows that are there"]]);
  // One key for each file that is chosen: sent again after a lost answer, it comes once.
  let key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  for (const control of [file, mode]) {
    control.addEventListener("change", () => {
      key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    });
  }
  return card("Versions",
    table("Versions", ["Version", "How it came", "File", "Rows", "Columns", "When"],
      versions.map((one) => [one.version, MODES[one.mode] ?? one.mode, one.filename, one.rows,
        one.cols, when(one.uploaded_at)])),
    h("details", {}, h("summary", {}, "Send a newer file"), form("Send", [
      field("A newer file", file), field("Its rows go", mode)], async () => {
      const body = new FormData();
      body.append("mode", mode.value);
      body.append("file", file.files[0]);
      await api.post(`/datasets/${id}/versions`, body, { "Idempotency-Key": key });
      dispatchEvent(new HashChangeEvent("hashchange"));
    })));
}

function warnings(list) {
  if (!list?.length) return null;
  return card("Told while reading", h("ul", {}, list.map((one) =>
    h("li", {}, one.column ? `${one.column}: ${one.message}` : one.message ?? String(one)))));
}

function startCard(id, columns) {
  const usable = columns.filter((one) => !["constant", "id"].includes(one.type));
  const target = select([["", "nothing: explore and cluster"], ...usable.map((one) => one.name)]);
  const budget = h("input", { type: "number", min: 5, max: 86400, value: 60, required: true });
  const ignored = h("select", { multiple: true, size: 5 },
    columns.map((one) => h("option", {}, one.name)));
  const names = columns.map((one) => one.name);
  const horizon = h("input", { type: "number", min: 1, max: 1000, value: "" });
  const time = select([["", "the column of dates"], ...names]);
  const series = select([["", "one series"], ...names]);
  const ahead = h("select", { multiple: true, size: 4 }, names.map((one) => h("option", {}, one)));
  return card("Start a run", form("Start", [
    field("What should be predicted?", target),
    field("Seconds of training", budget),
    h("details", {}, h("summary", {}, "Forecast it over time"),
      field("Steps to foretell", horizon, "makes the run a forecast"),
      field("Column of times", time),
      field("Column that names the series, if there are several", series),
      field("Columns known for the times to come", ahead)),
    h("details", {}, h("summary", {}, "Leave columns out"),
      field("Columns that will not be known when you predict", ignored)),
  ], async () => {
    const options = { time_budget_s: Number(budget.value) };
    if (target.value) options.target = target.value;
    if (horizon.value) {
      options.horizon = Number(horizon.value);
      if (time.value) options.time_column = time.value;
      if (series.value) options.series_column = series.value;
      const known = [...ahead.selectedOptions].map((one) => one.value);
      if (known.length) options.known_ahead = known;
    }
    const ignore = [...ignored.selectedOptions].map((one) => one.value);
    if (ignore.length) options.ignore = ignore;
    const run = await api.post("/runs/start", { dataset_id: id, options });
    location.hash = `#/run/${run.run_id}`;
  }));
}

function columnsTable(id, columns) {
  return table("Columns", ["Name", "Type", "Missing values", "Why"], columns.map((one) => {
    const kind = select(TYPES, one.type);
    kind.setAttribute("aria-label", `Type of ${one.name}`);
    let known = one.type;
    kind.addEventListener("change", () => busy(kind, async () => {
      const before = known;
      known = kind.value;
      try {
        await api.call("PATCH", `/datasets/${id}`,
          { columns: [{ name: one.name, type: kind.value }] });
      } catch (error) {
        known = kind.value = before;
        throw error;
      }
    }));
    return [named(one), kind, one.nullable ? "some" : "none", one.reason ?? null];
  }));
}

const SENSITIVE = { email: "e-mail addresses", phone: "telephone numbers",
  payment_card: "payment cards", iban: "bank accounts", national_id: "national ids" };

// The name of a column, and what kind of personal data it seems to hold.
function named(column) {
  if (!column.sensitive) return column.name;
  const what = SENSITIVE[column.sensitive] ?? column.sensitive;
  return h("span", {}, column.name, " ", h("span", { class: "badge", title: column.sensitive_reason },
    `sensitive: ${what}`));
}

function askCard(id) {
  const question = h("input", { required: true, maxlength: 1000, type: "text",
    placeholder: "average price by city" });
  const answer = h("div", { "aria-live": "polite" });
  return card("Ask a question", form("Ask", [field("Question", question)], async () => {
    const found = await api.post("/nlq", { dataset_id: id, question: question.value });
    answer.replaceChildren(...shownAnswer(found));
    if (found.chart) draw(answer.querySelector(".plot"), found.chart);
  }), answer);
}

function shownAnswer(found) {
  if (found.status !== "answered") {
    return [h("p", {}, found.answer ?? "UAM does not answer this question; try counts, averages, "
      + "sums or extremes of one column.")];
  }
  const rows = (found.rows ?? []).slice(0, 100);
  const cells = rows.map((row) => Array.isArray(row) ? row : found.columns.map((name) => row[name]));
  return [
    h("p", { class: "answer" }, found.answer),
    found.chart ? h("div", { class: "plot" }) : null,
    cells.length > 1 ? table("Answer", found.columns, cells) : null,
    found.sql ? h("details", {}, h("summary", {}, "How it was computed"), h("pre", {}, found.sql))
      : null,
  ].filter(Boolean);
}
