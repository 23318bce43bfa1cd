// A project's datasets and runs, and the place to drop a file.

import * as api from "./api.js";
import { busy, bytes, card, h, table, when } from "./dom.js";

const ENDED = new Set(["COMPLETED", "FAILED", "CANCELLED"]);
const LOOK_MS = 3000;

export async function homePage(_, signal, projectId) {
  const query = `?project_id=${encodeURIComponent(projectId)}&limit=100`;
  const [datasets, runs] = await Promise.all([
    api.get(`/datasets${query}`), api.get(`/runs${query}`)]);
  const names = new Map(datasets.map((one) => [one.id, one.filename]));
  const shown = new Map(runs.map((one) => [one.run_id, new Standing(one)]));
  keepFresh(`/runs${query}`, shown, signal);
  return [
    h("h1", { class: "hidden" }, "Datasets and runs"),
    dropZone(projectId),
    card("Datasets", datasets.length
      ? table("Datasets", ["File", "Rows", "Columns", "Size", "Uploaded", ""],
        datasets.map((one) => [
          h("a", { href: `#/dataset/${one.id}` }, one.filename), one.rows, one.cols,
          bytes(one.size_bytes), when(one.uploaded_at), remove(`/datasets/${one.id}`, one.filename)]))
      : h("p", {}, "None yet: drop a file above.")),
    card("Runs", runs.length
      ? table("Runs", ["Run", "Version", "Status", "Progress", "Started", ""], runs.map((one) => [
        h("a", { href: `#/run/${one.run_id}` }, names.get(one.dataset_id) ?? "a dataset"),
        one.dataset_version,
        shown.get(one.run_id).status, shown.get(one.run_id).progress, when(one.started_at ?? one.created_at),
        remove(`/runs/${one.run_id}`, "this run")]))
      : h("p", {}, "None yet: open a dataset and start one.")),
  ];
}

// Where a run stands: two cells of the table, and whether they may still change.
class Standing {
  status = h("span", {});
  progress = h("span", {});

  constructor(run) {
    this.show(run);
  }

  show(run) {
    this.status.className = `status ${run.status.toLowerCase()}`;
    this.status.textContent = run.status;
    this.progress.textContent = `${run.progress} %`;
    this.ended = ENDED.has(run.status);
  }
}

async function keepFresh(path, shown, signal) {
  while (!signal.aborted && [...shown.values()].some((one) => !one.ended)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (signal.aborted || document.hidden) continue;
    // A server that is away for a moment is asked again.
    const runs = await api.get(path).catch(() => []);
    for (const run of runs) shown.get(run.run_id)?.show(run);
  }
}

function remove(path, what) {
  const button = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${what}` },
    "Delete");
  button.addEventListener("click", () => {
    if (!confirm(`Delete ${what} and everything made from it?`)) return;
    busy(button, async () => {
      await api.call("DELETE", path);
      button.closest("tr").remove();
    });
  });
  return button;
}

function dropZone(projectId) {
  const input = h("input", { type: "file", id: "file", class: "hidden" });
  const state = h("p", { role: "status" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Sent so far", hidden: true });
  const zone = h("label", { class: "drop", for: "file" },
    h("strong", {}, "Drop a table here, or choose a file"),
    h("span", {}, "CSV, Excel, Parquet, JSON, SQLite, SPSS and more"), input, state, bar);
  const sent = (share) => {
    bar.hidden = share === 1;
    bar.value = share;
    const percent = Math.round(100 * share);
    state.textContent = share === 1 ? "Reading it …" : `Sending it: ${percent} %`;
  };
  const upload = (file) => file && busy(null, async () => {
    state.textContent = `Sending ${file.name} …`;
    const body = new FormData();
    body.append("project_id", projectId);
    body.append("file", file);
    try {
      const answer = await api.upload("/datasets/upload", body, sent);
      location.hash = `#/dataset/${answer.dataset_id}`;
    } finally {
      state.textContent = "";
      bar.hidden = true;
      input.value = "";
    }
  });
  input.addEventListener("change", () => upload(input.files[0]));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
      if (kind === "drop") upload(event.dataTransfer.files[0]);
    });
  }
  return zone;
}
