// Which page stands for which address, and the bar above it.

import * as api from "./api.js";
import { busy, form, field, h, quiet, select, tell } from "./dom.js";
import { datasetPage } from "./dataset.js";
import { homePage } from "./home.js";
import { runPage } from "./run.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const PAGES = [
  [/^#\/dataset\/([\w-]+)$/, datasetPage],
  [/^#\/run\/([\w-]+)$/, runPage],
  [/^/, homePage],
];
let leaving = new AbortController();

export const project = {
  get id() {
    return sessionStorage.getItem("uam-project") ?? "";
  },
  set id(value) {
    sessionStorage.setItem("uam-project", value);
  },
};

async function showPage() {
  leaving.abort();
  leaving = new AbortController();
  quiet();
  const { signal } = leaving;
  if (!api.user()) {
    nav.replaceChildren();
    main.replaceChildren(signInPage());
    return;
  }
  const [pattern, page] = PAGES.find(([one]) => one.test(location.hash));
  try {
    await showBar();
    const parts = await page(location.hash.match(pattern)[1], signal, project.id);
    if (signal.aborted) return;
    main.replaceChildren(...parts.filter(Boolean));
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  } catch (error) {
    if (signal.aborted) return;
    main.replaceChildren(h("p", {}, h("a", { href: "#/" }, "Back to the start")));
    tell(error);
  }
}

async function showBar() {
  const projects = await api.get("/projects?limit=500");
  if (!projects.some((one) => one.id === project.id)) {
    project.id = (projects.find((one) => one.name === "Default") ?? projects[0])?.id ?? "";
  }
  const chooser = select(projects.map((one) => [one.id, one.name]), project.id);
  chooser.setAttribute("aria-label", "Project");
  chooser.addEventListener("change", () => {
    project.id = chooser.value;
    if (location.hash === "#/") showPage();
    else location.hash = "#/";
  });
  const name = h("input", { "aria-label": "Name of the new project", placeholder: "New project",
    maxlength: 100, required: true, size: 12 });
  const add = form("Add", [name], async () => {
    project.id = (await api.post("/projects", { name: name.value })).id;
    await showPage();
  });
  nav.replaceChildren(chooser, add, h("span", { class: "who" }, api.user().name),
    h("button", { class: "quiet", type: "button", onclick: () => busy(null, api.signOut) },
      "Sign out"));
}

function signInPage() {
  const email = h("input", { type: "email", required: true, autocomplete: "username" });
  const password = h("input", { type: "password", required: true,
    autocomplete: "current-password" });
  const signIn = form("Sign in", [field("E-mail", email), field("Password", password)], async () => {
    api.keep(await api.post("/auth/login", { email: email.value, password: password.value }));
    await showPage();
  });
  const name = h("input", { required: true, maxlength: 100, autocomplete: "name" });
  const newEmail = h("input", { type: "email", required: true, autocomplete: "email" });
  const secret = h("input", { type: "password", required: true, minlength: 10,
    autocomplete: "new-password" });
  const register = form("Create account", [field("Name", name), field("E-mail", newEmail),
    field("Password", secret, "At least 10 characters of any kind.")], async () => {
    api.keep(await api.post("/auth/register",
      { name: name.value, email: newEmail.value, password: secret.value }));
    await showPage();
  });
  return h("div", { class: "welcome" },
    h("h1", {}, "Hand it a table, get an analyst's work back."),
    h("div", { class: "pair" },
      h("section", { class: "card", "aria-label": "Sign in" }, h("h2", {}, "Sign in"), signIn),
      h("section", { class: "card", "aria-label": "Create an account" },
        h("h2", {}, "Create an account"), register)));
}

api.onSignedOut(() => {
  location.hash = "#/";
  showPage();
});
addEventListener("hashchange", showPage);
showPage();
