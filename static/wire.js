// The live wire: changes while a page is open. The server sends parts of a page, which htmx puts in their places, and after
// them, without a wrapper, the rows that changed. Those may be many, so they are drawn here: the newest state of each, cell
// by cell, visible ones first, some milliseconds at a time, between frames and not in them. The page stays responsive with
// any number of changes.
(() => {
  const slice = 36; // ms that rows may take at a time; a person notices 50
  const rush = 30; // rows that change at once, above which nothing moves
  const slept = 10000; // ms that a second took: the machine was asleep
  const glance = 1500; // ms between two looks of a page that holds no connection
  const silence = 40000; // ms without a word, after which a connection is dead; the server says something every 15 s
  const fresh = new Map(); // rows that came and are not drawn yet, by id, as text
  const away = new WeakSet(); // rows that are out of sight
  const open = ":popover-open, details[open]";
  const mold = document.createElement("template");
  const asked = new WeakMap(); // how many messages had come when a request was sent, by request
  const wired = new Set(); // ids of the parts that messages renew
  let messages = 0;
  let due = 0, rushed = 0, process = false;

  const take = (text) => {
    const rows = new Map(fresh);
    fresh.clear();
    for (const html of text.split(/\n(?=<tr )/)) rows.set(html.slice(8, html.indexOf('"', 8)), html); // <tr id="…"
    const later = [];
    for (const entry of rows) if (away.has(document.getElementById(entry[0]))) later.push(entry); else fresh.set(...entry);
    for (const entry of later) fresh.set(...entry);
    if (rows.size > rush) calm();
    due ||= setTimeout(draw);
  };

  // Animations are off while very much changes: nobody can follow them, and they take time that the changes need.
  const calm = () => {
    const body = document.querySelector("[data-wire]");
    body.setAttribute("data-rush", "");
    clearTimeout(rushed);
    rushed = setTimeout(() => body.removeAttribute("data-rush"), 2000);
  };

  const draw = () => {
    due = 0;
    const end = performance.now() + slice;
    do few(8); while (fresh.size && performance.now() < end);
    if (fresh.size) due = setTimeout(draw); else document.dispatchEvent(new Event("wire:drawn"));
  };

  // few draws some rows, which is half the work of parsing each by itself.
  const few = (most) => {
    const texts = [];
    for (const [id, html] of fresh) {
      fresh.delete(id);
      if (texts.push(html) === most) break;
    }
    mold.innerHTML = texts.join("");
    [...mold.content.children].forEach((row, i) => put(row, texts[i]));
  };

  // put brings a row to its new state. Unchanged cells stay, and so do the focus and menus that a person has opened.
  const put = (next, html) => {
    const row = document.getElementById(next.id);
    if (next.hidden) { row?.remove(); return; }
    if (!row) { addition(next); return; }
    if (away.has(row)) next.classList.remove("flash");
    for (const { name, value } of next.attributes) if (row.getAttribute(name) !== value) row.setAttribute(name, value);
    const cells = [...next.cells];
    for (let i = 0; i < cells.length; i++) {
      const old = row.cells[i], cell = cells[i];
      if (same(old, cell)) continue;
      if (old.querySelector(open)) { old.kept = html; continue; }
      const focused = old.contains(document.activeElement);
      old.replaceWith(cell);
      if (focused) cell.querySelector("a, button, [tabindex]")?.focus({ preventScroll: true });
    }
  };

  const same = (old, cell) => old.isEqualNode(cell) ||
    old.querySelector("[data-htmx-powered]") && old.innerHTML.replaceAll(' data-htmx-powered="true"', "") === cell.innerHTML;

  // A row that is not here yet: of a list it is the newest, of a batch it has its place.
  const addition = (row) => {
    const body = document.querySelector("[data-wire]");
    if (body.dataset.wire === "newest") body.prepend(row); else body.append(row);
  };

  document.addEventListener("htmx:sse:before:message", ({ detail }) => {
    heard = Date.now();
    const { message, connection } = detail;
    if (message.event) return;
    messages++;
    if (!seated) { // it has seen how everything stands: another page may use the connection
      Object.assign(connection.config, { reconnectDelay: glance, reconnectMaxDelay: glance });
      setTimeout(() => connection.reader?.cancel());
    }
    const at = message.data.search(/^<tr /m);
    if (at < 0) return;
    take(message.data.slice(at));
    message.data = message.data.slice(0, at);
    detail.cancelled = message.data.trim() === "";
  });
  // An answer to an act shows the page as it was when it was written. If a message came meanwhile, that may be older than what
  // is here, so only what messages do not renew is taken from it.
  document.addEventListener("htmx:before:request", ({ detail }) => { asked.set(detail.ctx, messages); });
  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    const parts = tasks.map(({ target }) => (typeof target === "string" ? document.querySelector(target) : target));
    if (ctx.sourceElement?.matches("[data-connect]")) {
      for (const part of parts) if (part?.id) wired.add(part.id);
    } else if (asked.has(ctx) && asked.get(ctx) !== messages) {
      for (let i = tasks.length - 1; i >= 0; i--) if (wired.has(parts[i]?.id) || parts[i]?.matches("[data-wire] > tr")) tasks.splice(i, 1);
    }
  });
  document.addEventListener("contentvisibilityautostatechange", ({ target, skipped }) => {
    if (skipped) away.add(target); else away.delete(target);
  });
  // No event reports rows that are out of sight from the start.
  addEventListener("load", () => setTimeout(() => {
    for (const row of document.querySelectorAll("[data-wire] > tr")) if (!row.cells[0].checkVisibility({ contentVisibilityAuto: true })) away.add(row);
  }, 300));
  // A cell that was not updated while a person had a menu in it open.
  document.addEventListener("toggle", ({ target, newState }) => {
    const cell = target.closest("[data-wire] td");
    cell?.parentElement.toggleAttribute("data-open", newState === "open");
    if (!cell?.kept || cell.querySelector(open)) return;
    mold.innerHTML = cell.kept;
    put(mold.content.firstElementChild, cell.kept);
  }, true);

  // The forms in the rows are htmx's business only when they are sent: there are hundreds, and they change all the time.
  document.addEventListener("htmx:before:init", (event) => {
    if (!process && event.target.closest("[data-wire]")) event.preventDefault();
  });
  document.addEventListener("submit", ({ target }) => {
    if (!target.closest("[data-wire]")) return;
    process = true;
    htmx.process(target);
    process = false;
  }, true);

  // The wire is laid when all scripts are here and htmx has looked through the page, or it would be laid twice or never.
  // The extension lays a wire again that was cut, and not one that never came about.
  const lay = () => {
    for (const wire of document.querySelectorAll("[data-connect]:not(.htmx-request)")) {
      if (wire._htmx?.sse || document.hidden) continue;
      wire.setAttribute("hx-sse:connect", wire.dataset.connect);
      htmx.ajax("GET", wire.dataset.connect, { source: wire, timeout: htmx.config.sse.connectTimeout }).catch(() => {});
    }
  };
  document.addEventListener("DOMContentLoaded", () => setTimeout(lay));
  // A browser has six connections for all its pages of one server. Four pages hold one each, and say so where the others
  // see it; any more look in every now and then.
  const seats = 4, me = Math.random().toString(36).slice(2);
  let seated = true;
  const sit = (stay) => {
    try {
      const now = Date.now(), taken = Object.entries(JSON.parse(localStorage.getItem("wires") ?? "{}"));
      const all = Object.fromEntries(taken.filter(([who, at]) => who !== me && now - at < 5000));
      seated = stay && Object.keys(all).length < seats;
      if (seated) all[me] = now;
      localStorage.setItem("wires", JSON.stringify(all));
    } catch { seated = stay; } // private mode: nobody knows of the others
  };
  sit(!document.hidden);
  addEventListener("pagehide", () => sit(false));

  // A machine that slept, or a line that went silent, leaves a connection that looks alive.
  let heard = Date.now(), ticked = Date.now();
  const reconnect = () => {
    heard = Date.now();
    for (const wire of document.querySelectorAll("[data-connect]")) wire._htmx?.sse?.reader?.cancel().catch(() => {});
  };
  setInterval(() => {
    const now = Date.now();
    if (!document.hidden) sit(true);
    lay();
    if (!document.hidden && (now - ticked > slept || now - heard > silence)) reconnect();
    ticked = now;
  }, 1000);
  document.addEventListener("visibilitychange", () => { heard = ticked = Date.now(); sit(!document.hidden); }); // htmx lets go of it and takes it up again
  addEventListener("online", reconnect);
  document.addEventListener("htmx:sse:after:connection", () => { heard = Date.now(); });
  // A page that depends on the wire shows a message while the wire is cut.
  const cut = () => {
    const lost = document.querySelector("#feed")?.dataset.lost, note = document.querySelector("#note");
    if (lost && !note.firstElementChild) note.replaceChildren(Object.assign(document.createElement("p"), { className: "banner wait", textContent: lost, id: "lost" }));
  };
  document.addEventListener("htmx:sse:error", cut);
  document.addEventListener("htmx:error", ({ target }) => { if (target.matches?.("[data-connect]")) cut(); });
  document.addEventListener("htmx:sse:after:connection", () => { document.querySelector("#lost")?.remove(); });
  // Signed out, or deleted meanwhile: the page itself says so.
  document.addEventListener("htmx:sse:error", ({ detail }) => {
    if (detail.status === 401 || detail.status === 404) location.reload();
  });
})();
