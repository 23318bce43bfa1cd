// A project's datasets and runs, and the place to drop a file.

import * as api from "./api.js";
import { busy, bytes, card, h, table, when } from "./dom.js";

export async function homePage(_, signal, projectId) {
  const query = `?project_id=${encodeURIComponent(projectId)}&limit=100`;
  const [datasets, runs] = await Promise.all([
    api.get(`/datasets${query}`), api.get(`/runs${query}`)]);
  const names = new Map(datasets.map((one) => [one.id, one.filename]));
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
        h("span", { class: `status ${one.status.toLowerCase()}` }, one.status),
        `${one.progress} %`, when(one.started_at ?? one.created_at),
        remove(`/runs/${one.run_id}`, "this run")]))
      : h("p", {}, "None yet: open a dataset and start one.")),
  ];
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
  const zone = h("label", { class: "drop", for: "file" },
    h("strong", {}, "Drop a table here, or choose a file"),
    h("span", {}, "CSV, Excel, Parquet, JSON, SQLite, SPSS and more"), input, state);
  const upload = (file) => file && busy(null, async () => {
    state.textContent = `Reading ${file.name} …`;
    const body = new FormData();
    body.append("project_id", projectId);
    body.append("file", file);
    try {
      const answer = await api.post("/datasets/upload", body);
      location.hash = `#/dataset/${answer.dataset_id}`;
    } finally {
      state.textContent = "";
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
