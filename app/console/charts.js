// Plotly figures in the page's own colours. The library is fetched when the first chart is.

import { h, tell } from "./dom.js";

let loading = null;

function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = h("script", { src: "/console/plotly.min.js" });
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => reject(new Error("The chart library did not load.")));
    document.head.append(script);
  });
  return loading;
}

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#36": "$", "#37": "%" };

// Plotly's own notation of text, as text.
function plain(text = "") {
  return text.replaceAll("<br>", " ").replace(/&([\w#]+);/g, (all, name) => ENTITIES[name] ?? all);
}

// Draws into `node`; the title stands above it as text, where it can wrap.
export async function draw(node, figure) {
  const library = await plotly();
  const { title, height } = figure.layout ?? {};
  node.before(h("p", { class: "title" }, plain(title?.text)),
    h("p", { class: "facts" }, plain(title?.subtitle?.text)));
  node.style.height = `${Math.max(height ?? 0, 340)}px`;
  const style = getComputedStyle(document.body);
  const layout = {
    ...figure.layout,
    title: undefined,
    margin: { ...figure.layout?.margin, t: 10 },
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { ...figure.layout?.font, color: style.color, family: style.fontFamily },
  };
  const line = style.getPropertyValue("--grid");
  const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
  for (const axis of new Set(["xaxis", "yaxis", ...axes])) {
    layout[axis] = { ...layout[axis], gridcolor: line, zerolinecolor: line };
  }
  delete layout.width;
  delete layout.height;
  await library.newPlot(node, figure.data, layout, { responsive: true, displaylogo: false });
}

// Charts are drawn when they come into view.
export function gallery(unsorted) {
  const charts = unsorted.toSorted((a, b) => (a.metadata?.order ?? 0) - (b.metadata?.order ?? 0));
  const links = new Map();
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      fetch(links.get(target)).then((response) => response.json())
        .then((figure) => draw(target, figure)).catch(tell);
    }
  }, { rootMargin: "300px" });
  return h("div", { class: "gallery" }, charts.map((chart) => {
    const title = chart.metadata?.title ?? chart.filename.replace(/\.json$/, "");
    const node = h("div", { class: "plot", role: "img", "aria-label": title });
    links.set(node, chart.download_url);
    watcher.observe(node);
    return h("figure", {}, node);
  }));
}
