// One run: live while it lasts, its results when it is done.

import * as api from "./api.js";
import { busy, bytes, card, h, show, table, tell } from "./dom.js";
import { gallery } from "./charts.js";
import { predictCard } from "./predict.js";

const STAGES = [["preprocess_data", "Clean"], ["run_eda", "Explore"], ["train_models", "Train"],
  ["finalize_run", "Report"]];
const ENDED = ["COMPLETED", "FAILED", "CANCELLED"];

export async function runPage(id, signal) {
  const status = await api.get(`/runs/${id}/status`);
  const dataset = await api.get(`/datasets/${status.dataset_id}`);
  const target = status.options?.target;
  const view = liveView(id);
  const results = h("div", { class: "stack" });
  view.status(status);
  watchRun(id, view, results, signal).catch((error) => signal.aborted || tell(error));
  return [
    h("h1", {}, target ? `Predict ${target}` : "Explore and cluster"),
    h("p", { class: "facts" }, "A run on ", h("a", { href: `#/dataset/${dataset.id}` },
      dataset.filename), `, version ${status.dataset_version}`
      + (status.dataset_version < dataset.version ? ` of ${dataset.version}` : "")),
    view.node, results];
}

async function watchRun(id, view, results, signal) {
  await api.watch(`/runs/${id}/events`, (event) => {
    if (event.kind === "log") view.log(event.data);
    else if (event.kind === "leaderboard") view.leaderboard(event.data);
    else if (event.kind === "status") view.status(event.data);
  }, signal);
  const status = await api.get(`/runs/${id}/status`);
  view.status(status);
  if (status.status !== "COMPLETED") return;
  results.replaceChildren(...await resultCards(id, status.options?.horizon));
}

function liveView(id) {
  const title = h("strong", { role: "status" });
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Progress of the run" });
  const steps = new Map(STAGES.map(([key, text]) => [key, h("li", {}, text)]));
  const log = h("ol", { class: "log", tabindex: "0", "aria-label": "Log" });
  const board = h("div");
  const why = h("p", { class: "error" });
  const cancel = h("button", { type: "button", class: "quiet" }, "Cancel");
  const finish = h("button", { type: "button", class: "quiet",
    title: "Stop training now and keep the best model so far" }, "Finish now");
  let asked = false;
  finish.addEventListener("click", () => busy(finish, async () => {
    await api.post(`/runs/${id}/finish`);
    asked = finish.hidden = true;
  }));
  cancel.addEventListener("click", () => busy(cancel, () => api.post(`/runs/${id}/cancel`)));
  const node = h("div", { class: "stack" },
    h("section", { class: "card" },
      h("div", { class: "row" }, title, bar, finish, cancel),
      h("ol", { class: "steps" }, [...steps.values()]), why,
      h("details", { open: true }, h("summary", {}, "Log"), log)),
    board);
  return {
    node,
    status(data) {
      title.textContent = data.status;
      title.className = `status ${data.status.toLowerCase()}`;
      bar.value = data.progress;
      why.textContent = data.error ?? "";
      cancel.hidden = ENDED.includes(data.status);
      const keys = [...steps.keys()];
      asked ||= data.finish_requested === true;
      finish.hidden = asked || cancel.hidden || data.current_task === "finalize_run";
      const at = data.status === "COMPLETED" ? keys.length : keys.indexOf(data.current_task);
      keys.forEach((key, index) => {
        steps.get(key).className = index < at ? "past" : index === at ? "now" : "";
      });
    },
    log(line) {
      const time = new Date(line.timestamp).toLocaleTimeString();
      log.append(h("li", { class: line.level?.toLowerCase() }, h("time", {}, time), line.message));
      log.scrollTop = log.scrollHeight;
    },
    leaderboard(data) {
      if (data.rows) board.replaceChildren(leaderboardCard(data));
    },
  };
}

function leaderboardCard(board) {
  const rows = board.rows.map((row) => [row.rank, row.name, row.score, row.score_std,
    row.fit_seconds, row.predict_ms_per_row]);
  return card(`Leaderboard: ${board.task} of ${board.target ?? "the rows"}, by ${board.metric}`,
    table("Leaderboard", ["#", "Model", board.metric, "±", "Fit s", "ms a row"], rows));
}

async function resultCards(id, horizon) {
  const [artifacts, models] = await Promise.all([
    api.get(`/runs/${id}/artifacts?limit=500`), api.get("/models?limit=500")]);
  const charts = artifacts.filter((one) => one.type === "chart" && one.filename.endsWith(".json"));
  const others = artifacts.filter((one) => one.type !== "chart");
  const model = models.find((one) => one.run_id === id);
  const details = model ? await api.get(`/models/${model.id}`) : null;
  return [
    details ? modelCard(details) : null,
    details ? predictCard(details, horizon) : null,
    charts.length ? card("Charts", gallery(charts)) : null,
    card("Files", table("Files", ["File", "Kind", "Size"], others.map((one) => [
      h("a", { href: one.download_url, download: one.filename }, one.filename), one.type,
      bytes(one.size_bytes)]))),
  ].filter(Boolean);
}

function modelCard(model) {
  const metrics = Object.entries(model.metrics ?? {}).filter(([, value]) => typeof value === "number");
  return card(`Model: ${model.name}`,
    h("p", {}, "Measured on rows that trained nothing and chose nothing:"),
    h("dl", { class: "metrics" }, metrics.map(([name, value]) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, show(value))))));
}
