"use strict";
// Keeps the page as the server would render it now: fetches it again when the server says that
// something changed (server-sent events) and moves only what differs into place, so that focus,
// selection and scrolling stay. All words are made on the server; this file inserts none of its
// data but as text. Where the stream is cut off, by a proxy say, it asks every two seconds instead.

const WITHOUT_STREAM_MS = 2000;
const AGES_MS = 5000; // ages and countdowns go on though nothing changes
let timer = 0;
let asked = 0;
let stream = null;

const everyMs = () => (stream?.readyState === EventSource.OPEN ? AGES_MS : WITHOUT_STREAM_MS);

function follow() {
  if (stream && stream.readyState !== EventSource.CLOSED) return;
  stream = new EventSource("/live");
  stream.onmessage = refresh;
}

function unfollow() {
  // a browser opens few connections to one server: a page that nobody sees gives its own back
  stream?.close();
  stream = null;
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.id || node.dataset?.key)) || "";

function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  const kept = old.nodeName === "DETAILS" ? "open" : ""; // what a person folded stays so
  for (const { name } of [...old.attributes]) {
    if (name !== kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let at = old.firstChild;
  for (const node of [...fresh.childNodes]) {
    const key = keyOf(node);
    const sameKind = at && !key && !keyOf(at) && at.nodeName === node.nodeName;
    const match = key ? keyed.get(key) : sameKind ? at : null;
    if (!match) {
      const added = document.importNode(node, true);
      if (added.nodeName === "TR") added.classList.add("fresh");
      old.insertBefore(added, at);
    } else {
      if (match === at) at = at.nextSibling;
      else old.insertBefore(match, at);
      if (match.classList?.contains("fresh")) node.classList.add("fresh");
      morph(match, node);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function say(tone, text) {
  const link = document.getElementById("link");
  if (link.textContent !== text) link.textContent = text;
  link.className = `link ${tone}`;
}

async function refresh() {
  clearTimeout(timer);
  if (document.body.dataset.page === "sign_in") return say("", ""); // there is nothing to follow
  const mine = ++asked;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked) return; // a newer question is on its way
    if (answer.ok) {
      if (fresh.body.dataset.page !== document.body.dataset.page) location.reload();
      morph(document.querySelector("title"), fresh.querySelector("title"));
      morph(document.body, fresh.body);
      say("live", "live");
      follow();
    } else if (document.body.dataset.page === "problem" && answer.status < 500) {
      say("", ""); // what is not there now is not awaited
      return;
    } else {
      say("lost", fresh.querySelector("[data-problem] h1")?.textContent ?? `Answer ${answer.status}`);
    }
  } catch {
    if (mine !== asked) return;
    say("lost", "The node does not answer");
  }
  timer = setTimeout(refresh, everyMs());
}

async function ask(form) {
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  const result = document.getElementById(form.dataset.result ?? "result");
  const button = form.querySelector("button");
  const show = (tone, text) => {
    result.hidden = false;
    result.className = `result ${tone}`;
    result.textContent = text;
  };
  button.disabled = true;
  show("wait", "Asking …");
  try {
    const fields = Object.fromEntries(new FormData(form));
    const headers = { "X-CSRF-Token": document.body.dataset.csrf ?? "" };
    if (Object.keys(fields).length) headers["Content-Type"] = "application/json";
    const answer = await fetch(form.action, {
      method: "POST",
      headers,
      body: Object.keys(fields).length ? JSON.stringify(fields) : undefined,
    });
    const body = await answer.json();
    if (answer.ok) {
      show("good", body.words);
      form.reset();
    } else show("bad", `Not done: ${body.found}. ${body.remedy}`);
  } catch {
    show("bad", "Not done: the node does not answer.");
  } finally {
    button.disabled = false;
  }
  refresh();
}

function step(by) {
  const rows = [...document.querySelectorAll("#table tbody th a")];
  const now = rows.indexOf(document.activeElement);
  const next = now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by;
  rows[Math.min(Math.max(next, 0), rows.length - 1)]?.focus();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-ask]")) return;
  event.preventDefault();
  ask(event.target);
});

document.addEventListener("input", (event) => {
  if (!("narrows" in event.target.dataset)) return;
  const address = new URL(location.href);
  address.searchParams.delete("page");
  if (event.target.value) address.searchParams.set(event.target.name, event.target.value);
  else address.searchParams.delete(event.target.name);
  history.replaceState(null, "", address);
  clearTimeout(timer);
  timer = setTimeout(refresh, 200);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("input[type=search]");
  const typing = event.target === search;
  if (event.key === "/" && search && !typing) {
    event.preventDefault();
    search.select();
  } else if (event.key === "Escape" && typing) {
    search.blur();
  } else if (!typing && (event.key === "j" || event.key === "k")) {
    step(event.key === "j" ? 1 : -1);
  }
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden) unfollow();
  else refresh();
});

refresh();
