// Behaviour of all pages, and of single pages where their elements are found. Every page works without this script.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (event) => event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey;

  // One live region for screen readers. A repeated sentence is announced again. Elements of a page or an answer that have
  // to be announced have the attribute data-aloud; the sentence is its value or, if that is empty, their text.
  const say = (sentence) => {
    const voice = $("#say");
    if (sentence) voice.textContent = voice.textContent === sentence ? `${sentence}\u00a0` : sentence;
  };
  document.addEventListener("say", ({ detail }) => say(detail));
  const aloud = () => {
    const told = all("[data-aloud]");
    say(told.map((e) => e.dataset.aloud || e.textContent.trim().replace(/\s+/g, " ")).join(" "));
    for (const e of told) e.removeAttribute("data-aloud"); // once
  };

  // When the focused element is removed or disabled, the focus moves to the nearest focusable element in the closest
  // ancestor that has one.
  const stops = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const can = (e) => e.isConnected && !e.disabled && e.checkVisibility() && e.tabIndex >= 0;
  const middle = (e) => { const r = e.getBoundingClientRect(); return [r.left + r.width / 2 + scrollX, r.top + r.height / 2 + scrollY]; };
  let held = null;
  const hold = () => {
    const e = document.activeElement;
    if (!e || e === document.body) return;
    const above = [];
    for (let a = e.parentElement; a; a = a.parentElement) above.push(a);
    held = { e, above, at: middle(e) };
  };
  const rescue = () => {
    const now = document.activeElement;
    if (!held || now && now !== document.body || can(held.e)) return;
    const same = held.e.id && document.getElementById(held.e.id);
    if (same && can(same)) { same.focus({ preventScroll: true }); return; }
    const far = (e) => { const [x, y] = middle(e); return Math.hypot(x - held.at[0], y - held.at[1]); };
    for (const a of held.above) {
      const near = a.isConnected ? all(stops, a).filter(can) : [];
      if (near.length === 0) continue;
      near.reduce((best, e) => far(e) < far(best) ? e : best).focus({ preventScroll: true });
      return;
    }
  };

  // Tooltips on hover and focus, for elements that have no room for the reason.
  const tip = Object.assign(document.createElement("div"), { className: "tip", dir: "auto", hidden: true, ariaHidden: "true" }); // screen readers have the text at the element itself
  const showTip = (event) => {
    const of = event.target.closest?.("[data-tip]");
    if (!of) return;
    tip.textContent = of.dataset.tip;
    tip.hidden = false;
    const at = of.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const below = at.bottom + 8 + own.height < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - own.width - 8))}px`;
    tip.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - own.height - 8)}px`;
  };
  const hideTip = () => { tip.hidden = true; };

  // An element that sends a request is shown as busy at once, cannot send twice meanwhile, and is released when the answer
  // arrives. If the answer is another page, it is released only if this page stays after all.
  const sent = new WeakSet(), leaving = new Set();
  const hear = (by, source = by) => {
    by.setAttribute("aria-busy", "true");
    sent.add(source);
    return () => { by.removeAttribute("aria-busy"); sent.delete(source); };
  };
  const leave = (free, ms) => { leaving.add(free); setTimeout(free, ms); };
  const stay = () => { for (const free of leaving) free(); leaving.clear(); };
  const twice = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };
  document.addEventListener("submit", (event) => { if (sent.has(event.target)) twice(event); }, true);
  document.addEventListener("click", (event) => { if (event.target.closest?.(":is(button, [download])[aria-busy=true]")) twice(event); }, true);
  addEventListener("submit", (event) => { // on window, the last listener: a form that a script handles is left to it
    const form = event.target, by = event.submitter ?? $("button:not([type=button])", form);
    if (!event.defaultPrevented && by && form.getAttribute("method") !== "dialog") leave(hear(by, form), 30000);
  });
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a.btn[href]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.hasAttribute("download")) fetched(hear(link)); else leave(hear(link), 5000);
  });
  addEventListener("pageshow", stay);
  window.navigation?.addEventListener("navigateerror", stay);
  // Nobody tells a page that a file has begun to come, but its answer leaves a cookie.
  const fetched = (free) => {
    const until = Date.now() + 60000;
    document.cookie = "answered=; path=/; max-age=0; samesite=strict";
    const look = setInterval(() => {
      if (Date.now() < until && !document.cookie.includes("answered=1")) return;
      clearInterval(look);
      free();
    }, 50);
  };
  const asked = new WeakMap();
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const by = ctx.request.submitter ?? ctx.sourceElement;
    if (by.matches?.("button")) asked.set(ctx, hear(by, ctx.sourceElement));
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.hx?.redirect) leave(asked.get(ctx) ?? (() => {}), 5000); else asked.get(ctx)?.();
  });
  // An error is shown at the head of the page, whichever target the answer had.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const note = $("#note");
    if (!note || ctx.sourceElement.matches("[data-connect]")) return;
    $("#unsent")?.remove();
    if (ctx.response.status >= 400) Object.assign(ctx, { target: note, swap: "innerHTML", select: null });
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx || ctx.sourceElement.matches("[data-connect]")) return;
    $("#note")?.replaceChildren(Object.assign(document.createElement("p"), { className: "banner bad", id: "unsent", textContent: $("#say").dataset.unsent }));
  });

  // Unsent edits and files belong to the session: signing out removes them, so that the next person on this machine finds
  // nothing.
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action") !== "/logout") return;
    try {
      for (const store of Object.keys(localStorage)) if (/^(edits|missing):/.test(store)) localStorage.removeItem(store);
    } catch { /* no storage: nothing is in it */ }
  }, true);

  // Single-key shortcuts can be switched off, for people who use speech input or press keys by accident.
  let single = true;
  try { single = localStorage.getItem("single") !== "no"; } catch { /* private mode: for this page only */ }
  addEventListener("keydown", (event) => { if (!single && event.key.length === 1 && event.key !== " " && !typing(event)) event.stopImmediatePropagation(); }, true);
  const letters = () => {
    const box = $("#single");
    if (!box) return;
    box.checked = single;
    box.addEventListener("change", () => {
      single = box.checked;
      try { localStorage.setItem("single", single ? "yes" : "no"); } catch { /* as above */ }
    });
  };

  // Enter moves to the next field instead of sending the form; after the last one to its button.
  const enterMoves = (event) => {
    const form = event.target.closest?.("form[data-enter]");
    if (!form || event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=radio], [type=checkbox]), select")) return;
    event.preventDefault();
    const fields = all("input:not([type=hidden], [type=radio], [type=checkbox], [type=file]), select", form).filter((f) => f.checkVisibility() && !f.disabled);
    const next = fields[fields.indexOf(event.target) + (event.shiftKey ? -1 : 1)];
    (next ?? $(`button.primary[form="${form.id}"]`))?.focus();
    next?.select?.();
    next?.scrollIntoView({ block: "nearest" });
  };

  // Edits that were unsent when their page was left (static/check.js, static/grid-send.js) are sent from any other page, so that the workbook
  // lacks none. A refused edit waits for its own page, which shows why.
  const leftover = async () => {
    const of = (store) => JSON.parse(localStorage.getItem(store) ?? "[]");
    for (const store of Object.keys(localStorage).filter((k) => k.startsWith("edits:") && k !== `edits:${location.pathname}`)) {
      for (const { url, ...fields } of of(store)) {
        const answer = await fetch(url, { method: "POST", headers: { "HX-Request": "true" }, body: fields.group ? JSON.stringify(fields) : new URLSearchParams(fields) });
        if (!answer.ok && answer.status !== 404) break; // a batch that is gone has no use for them
        const rest = of(store).filter((e) => e.token !== fields.token);
        rest.length ? localStorage.setItem(store, JSON.stringify(rest)) : localStorage.removeItem(store);
      }
    }
  };

  // Files that were chosen for this draft in this browser and never came (static/upload.js). While they are on their way
  // on this very page, the page says so itself.
  const owed = () => {
    const banner = $("#missing");
    if (!banner) return;
    const store = `missing:${banner.dataset.draft}`;
    let n = 0;
    try { n = JSON.parse(localStorage.getItem(store) ?? "[]").length; } catch { n = 0; }
    banner.hidden = n === 0 || Boolean($("#sending:not([hidden]) [data-pause]:not([hidden])"));
    const line = $("span", banner), text = banner.dataset.text.replace("{n}", n.toLocaleString(document.documentElement.lang));
    if (!banner.hidden && line.textContent !== text) line.dataset.aloud = text;
    line.textContent = text;
    $("button", banner).onclick = () => { localStorage.removeItem(store); owed(); document.dispatchEvent(new Event("drawn")); };
  };

  // Times in the future count down; the page learns of the start itself by the live wire. If the server sent its own time,
  // that is used instead of this machine's clock.
  const left = (s) => s < 90 ? `${s} s` : s < 5400 ? `${Math.ceil(s / 60)} min` : `${Math.ceil(s / 3600)} h`;
  let ahead = 0;
  // soon merges several calls in one task into one, because each call searches the whole page and every part of an answer
  // makes one.
  const soon = (f) => {
    let due = 0;
    return () => { due ||= setTimeout(() => { due = 0; f(); }); };
  };
  const countDown = () => {
    for (const at of all("[data-due]")) {
      if (new Date(at.dataset.due) - ahead > Date.now()) continue;
      at.textContent = at.dataset.then;
      at.removeAttribute("data-due");
    }
    for (const at of all("[data-back]")) {
      const s = Math.max(1, Math.ceil((new Date(at.dataset.back) - Date.now() - ahead) / 1000));
      const text = at.dataset.in.replace("{left}", left(s));
      if (at.textContent !== text) at.textContent = text;
    }
    for (const at of all("[data-until]")) {
      const s = Math.max(0, Math.round((new Date(at.dataset.until) - Date.now()) / 1000));
      at.textContent = [Math.floor(s / 3600), String(Math.floor(s / 60) % 60).padStart(2, "0"), String(s % 60).padStart(2, "0")].join(":");
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.body.append(tip);
    document.addEventListener("mouseover", showTip);
    document.addEventListener("focusin", showTip);
    document.addEventListener("mouseout", hideTip);
    document.addEventListener("focusout", hideTip);
    document.addEventListener("scroll", hideTip, { capture: true, passive: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hideTip();
      if (event.key !== "?" || typing(event)) return;
      const help = $("#keyboard");
      if (help?.open) help.close(); else help?.showModal();
    });
    document.addEventListener("click", (event) => { if (event.target.closest("[data-keyboard]")) $("#keyboard")?.showModal(); });
    // A field that saves itself sends itself alone, not the whole form it stands in.
    document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
      const field = ctx.sourceElement;
      if (!field.matches?.("[data-alone]")) return;
      const body = new FormData();
      if (field.name) body.append(field.dataset.as ?? field.name, field.value);
      ctx.request.body = body;
    });
    const focusFresh = () => {
      const field = $("[data-focus]");
      field?.focus();
      field?.removeAttribute("data-focus"); // once
    };
    const told = $("[data-now]");
    if (told) ahead = new Date(told.dataset.now) - Date.now();
    countDown();
    setInterval(countDown, 1000);
    document.addEventListener("htmx:after:swap", soon(countDown));
    // A menu closes when somebody presses elsewhere, or Escape.
    const closeMenus = (but) => { for (const m of all("details.menu[open]")) if (m !== but) m.open = false; };
    document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
    document.addEventListener("keydown", (event) => {
      const open = event.key === "Escape" && $("details.menu[open]");
      if (open) { open.open = false; $("summary", open).focus(); }
    });
    document.addEventListener("htmx:after:request", ({ target }) => {
      target.closest?.("details.menu")?.removeAttribute("open");
      target.closest?.(".pop:popover-open")?.hidePopover();
    });
    // A time is meant as the person's own clock shows it.
    const at = $("input[name=at]"), zone = $("input[name=zone]");
    if (at && zone) {
      const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60000);
      at.min = now.toISOString().slice(0, 16);
      if (!at.value) { // the evening, when the day's work is done and the machine is free
        const hour = now.getUTCHours();
        at.value = `${new Date(now.getTime() + (hour < 19 ? 0 : 86400000)).toISOString().slice(0, 10)}T20:00`;
      }
      const tell = () => { zone.value = String(new Date(at.value || Date.now()).getTimezoneOffset()); };
      at.addEventListener("change", tell);
      tell();
    }
    // A file that is all there is to send goes when it is chosen.
    document.addEventListener("change", ({ target }) => { if (target.matches("[data-send]") && target.files.length > 0) target.form.requestSubmit(); });
    letters();
    owed();
    document.addEventListener("owed", owed);
    document.addEventListener("htmx:after:swap", owed);
    const tidy = () => leftover().catch(() => { /* no connection, or no storage: the next page tries again */ });
    tidy();
    addEventListener("online", tidy);
    focusFresh();
    document.addEventListener("htmx:after:swap", focusFresh);
    document.addEventListener("htmx:after:swap", soon(aloud));
    for (const told of all("#note > *")) told.setAttribute("data-aloud", ""); // an alert that was there from the start alerts nobody
    if (document.activeElement === document.body) $("[data-begin]")?.focus(); // where a person goes on after an act that brought a new page
    setTimeout(aloud, 500); // screen readers ignore changes while they still process a new page
    for (const type of ["focusin", "keydown", "pointerdown", "htmx:before:swap"]) document.addEventListener(type, hold);
    for (const type of ["htmx:after:swap", "htmx:after:settle", "wire:drawn", "drawn"]) document.addEventListener(type, rescue);
    document.addEventListener("keydown", enterMoves);
  });
})();
