// Editing of the rows read: the grid, the sending of edits to the server, and the picture beside it. Without this file the
// same pages work by their forms.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const isRows = () => $("#grid")?.dataset.page === "rows";
  const say = (sentence) => document.dispatchEvent(new CustomEvent("say", { detail: sentence }));

  // The grid: one cell is current, and the only one that the Tab key reaches.
  let current = "", editor = null;
  const cellOf = (id) => (id ? document.getElementById(id) : null);
  const cells = () => all("#lines .cell");
  const go = (cell, focus = true) => {
    // The links of the row numbers are for browsers without scripts; with scripts the grid is one stop of the Tab key.
    for (const link of all("#lines th.nr a")) link.tabIndex = -1;
    if (!cell) return;
    cellOf(current)?.setAttribute("tabindex", "-1");
    $("#lines .lit")?.classList.remove("lit");
    current = cell.id;
    cell.tabIndex = 0;
    cell.closest("tr").classList.add("lit");
    if (focus) cell.focus({ preventScroll: true });
    light(cell);
    ask(cell); // it changes the height of the box above the grid
    bring(cell);
  };
  // bring scrolls until a cell is wholly seen: the bar at the bottom and the box above the grid cover what is under them.
  const bring = (cell) => {
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { left, width, top, bottom } = cell.getBoundingClientRect();
    const seen = (y) => cell.contains(document.elementFromPoint(left + width / 2, y));
    if (!seen(top + 3) || !seen(bottom - 3)) cell.scrollIntoView({ block: "center", inline: "nearest" });
  };
  const beside = (cell, rows, columns) => {
    const tr = cell.closest("tr"), column = [...tr.cells].indexOf(cell);
    const row = tr.parentElement.rows[tr.sectionRowIndex + rows];
    const next = row?.cells[column + columns];
    return next?.classList.contains("cell") ? next : null;
  };
  const nextDoubt = () => {
    const list = cells(), from = list.indexOf(cellOf(current));
    const order = [...list.slice(from + 1), ...list.slice(0, from + 1)];
    return order.find((c) => c.dataset.why);
  };

  // The doubt about the current cell, above the grid.
  const ask = (cell) => {
    const box = $("#asks");
    if (!box) return;
    const open = "open" in $("#grid").dataset;
    const doubtful = cells().filter((c) => c.dataset.why), at = doubtful.indexOf(cell);
    box.hidden = !open;
    box.classList.toggle("calm", at < 0);
    $("#asks-title").textContent = `${cell.closest("tr").cells[0].textContent.trim()} · ${$("#grid thead tr").cells[cell.cellIndex].textContent.trim()}`;
    const count = $("#asks-count");
    count.textContent = doubtful.length ? count.dataset.text.replace("{n}", at < 0 ? "–" : at + 1).replace("{all}", doubtful.length) : "";
    $("#asks-why").textContent = cell.dataset.why ?? "";
    $("#accept").disabled = at < 0;
    const strip = $("#strip"), picture = $("#strip image"), place = boxOf(cell.dataset.box) ?? boxOf(cell.closest("tr").dataset.box);
    strip.toggleAttribute("hidden", !place);
    if (!place) return;
    const w = Number(picture.getAttribute("width")), h = Number(picture.getAttribute("height"));
    const [left, top, right, bottom] = [place[0] * w / 1000, place[1] * h / 1000, place[2] * w / 1000, place[3] * h / 1000];
    const tall = (bottom - top) * 1.8, wide = Math.max(tall * 7, right - left + tall);
    strip.setAttribute("viewBox", `${(left + right - wide) / 2} ${(top + bottom - tall) / 2} ${wide} ${tall}`);
  };

  // Unsent edits: kept in the browser until the server has acknowledged them, sent one after the other, and retried.
  const store = `edits:${location.pathname}`;
  let outbox = [], busy = false, again = 0;
  // Where a link leads that was pressed meanwhile: followed when the server has everything, and not if it refuses some.
  let onward = "";
  try { outbox = JSON.parse(localStorage.getItem(store) ?? "[]"); } catch { outbox = []; }
  const keep = () => { try { outbox.length ? localStorage.setItem(store, JSON.stringify(outbox)) : localStorage.removeItem(store); } catch { /* no room: still in memory */ } };
  const state = (what, extra = "") => {
    const saved = $("#saved");
    if (saved) { saved.textContent = `${saved.dataset[what]} ${extra}`.trim(); saved.dataset.state = what; }
  };
  const send = (edit) => {
    outbox.push({ token: crypto.getRandomValues(new Uint32Array(3)).join("-"), ...edit });
    keep();
    state("saving");
    pump();
  };
  const pump = async () => {
    if (busy || !outbox.length) return;
    busy = true;
    clearTimeout(again);
    again = 0;
    const { url, ...fields } = outbox[0];
    try {
      const answer = await fetch(url, { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(fields), signal: AbortSignal.timeout(15000) });
      if (answer.status >= 500 || answer.status === 401 || answer.status === 429) throw new Error(String(answer.status));
      const html = await answer.text();
      const page = new DOMParser().parseFromString(html, "text/html");
      outbox.shift();
      keep();
      busy = false;
      if (answer.ok) { state(outbox.length ? "saving" : "saved"); say($("#result", page)?.dataset.said); }
      else { onward = ""; state("refused", fields.text ?? ""); if (!$("#clash", page)) say($("#about .banner.bad, #note", page)?.textContent.trim()); } // a clash is an alert itself
      if (isRows()) { if (!outbox.length) await refresh(); if (!answer.ok) clashOnRows(page); } else take(page, outbox.length > 0);
      if (onward && !outbox.length) location.assign(onward); else pump();
    } catch {
      busy = false;
      onward = "";
      state("waits");
      say($("#saved")?.dataset.waits);
      again = setTimeout(pump, 3000);
    }
  };
  const clashOnRows = (page) => {
    const clash = $("#clash, .banner.bad", page);
    if (clash) { $("#note").replaceChildren(document.adoptNode(clash)); $("#note").scrollIntoView({ block: "nearest" }); }
  };
  const refresh = async () => {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(15000) });
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"), false);
  };

  // take puts the new state of the page from the server into the page, cell by cell. The text being typed and the focus stay.
  const take = (page, more) => {
    const fresh = $("#lines", page), old = $("#lines");
    for (const id of ["about", "checkbar", "history", "dates"]) {
      const from = $(`#${id}`, page), to = $(`#${id}`);
      if (!to || !from) { if (from || to) { to?.remove(); } if (from && id === "history") $("#checkbar")?.before(document.adoptNode(from)); continue; }
      const open = $("details", to)?.open, told = $("#saved", to);
      if (told && $("#saved", from)) { $("#saved", from).textContent = told.textContent; $("#saved", from).dataset.state = told.dataset.state; }
      const was = to.contains(document.activeElement) ? document.activeElement.id : "";
      to.replaceWith(document.adoptNode(from));
      if (open !== undefined && $("details", $(`#${id}`))) $("details", $(`#${id}`)).open = open;
      if (was) (document.getElementById(was) ?? cellOf(current))?.focus();
    }
    if (more || !fresh || !old) { if (!more && Boolean(fresh) !== Boolean(old)) location.reload(); return; }
    const grid = $("#grid"), now = $("#grid", page);
    if (now.dataset.reading) grid.dataset.reading = now.dataset.reading;
    const gone = new Set([...old.rows].map((r) => r.id)), place = cellOf(current)?.closest("tr").sectionRowIndex ?? 0;
    [...fresh.rows].forEach((row, i) => {
      gone.delete(row.id);
      let mine = document.getElementById(row.id);
      if (!mine) mine = document.adoptNode(row);
      else {
        for (const a of row.attributes) if (a.name !== "class") mine.setAttribute(a.name, a.value);
        [...row.cells].forEach((c, j) => {
          const there = mine.cells[j];
          if (there.contains(editor)) { there.dataset.text = c.dataset.text; return; }
          if (there.dataset.text === c.dataset.text && there.dataset.why === c.dataset.why && there.className === c.className && there.textContent === c.textContent) return;
          const focused = there === document.activeElement;
          c.tabIndex = c.id === current ? 0 : -1;
          there.replaceWith(document.adoptNode(c));
          if (focused) c.focus({ preventScroll: true });
        });
      }
      if (old.rows[i] !== mine) old.insertBefore(mine, old.rows[i] ?? null);
    });
    for (const id of gone) document.getElementById(id)?.remove();
    if (!editor) go(cellOf(current) ?? old.rows[Math.min(place, old.rows.length - 1)]?.querySelector(".cell"), document.activeElement === document.body || $("#grid").contains(document.activeElement));
    document.dispatchEvent(new Event("drawn"));
  };

  // The address of an edit of a row, and the fields that every edit has.
  const carried = (cell) => {
    const tr = cell.closest("tr"), grid = $("#grid");
    return { url: tr.dataset.edits ?? grid.dataset.edits, reading: tr.dataset.reading ?? grid.dataset.reading, row: tr.dataset.row };
  };
  const editable = (cell) => cell && "open" in $("#grid").dataset && Number(cell.dataset.column) >= 0;
  const put = (cell, text) => {
    const seen = cell.dataset.text ?? "";
    if (text === seen) return;
    send({ ...carried(cell), do: "cell", column: cell.dataset.column, text, seen });
    cell.textContent = text;
    cell.dataset.text = text;
    delete cell.dataset.why;
    cell.classList.remove("guessed", "unreadable", "rule", "blank", "doubtful");
    cell.classList.add("edited");
  };
  const accept = () => {
    const cell = cellOf(current);
    if (!editable(cell) || !cell.dataset.why) return false;
    send({ ...carried(cell), do: "accept", column: cell.dataset.column, seen: cell.dataset.text ?? "" });
    delete cell.dataset.why;
    cell.classList.remove("guessed", "unreadable", "rule", "doubtful");
    go(nextDoubt() ?? cell);
    return true;
  };
  const edit = (typed) => {
    const cell = cellOf(current);
    if (!editable(cell) || editor) return;
    const text = cell.dataset.text ?? "", before = [...cell.childNodes];
    editor = document.createElement(text.includes("\n") ? "textarea" : "input");
    editor.dir = "auto";
    editor.className = "editor";
    // A phone's keyboard is not to improve serial numbers.
    Object.assign(editor, { autocapitalize: "off", autocomplete: "off", spellcheck: false, enterKeyHint: "done" });
    editor.setAttribute("autocorrect", "off");
    if (cell.classList.contains("num")) editor.inputMode = "decimal";
    editor.value = typed ?? text;
    editor.setAttribute("aria-label", $("#asks-title")?.textContent || $("#grid thead tr").cells[cell.cellIndex].textContent);
    cell.replaceChildren(editor);
    editor.focus({ preventScroll: true });
    bring(cell);
    if (typed === undefined) editor.select();
    const close = (save) => {
      if (!editor) return;
      const value = editor.value.trim();
      editor = null;
      if (save && value !== (cell.dataset.text ?? "")) put(cell, value); else cell.replaceChildren(...before);
    };
    editor.addEventListener("blur", () => close(true));
    editor.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      if (event.key === "Escape") { close(false); go(cell); }
      else if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); close(true); go(beside(cell, 1, 0) ?? cell); }
      else if (event.key === "Tab") { event.preventDefault(); close(true); go(beside(cell, 0, event.shiftKey ? -1 : 1) ?? cell); }
    });
  };
  const undo = () => {
    const cell = cellOf(current);
    const { url, reading } = cell ? carried(cell) : { url: $("#checkform")?.getAttribute("action"), reading: "0" };
    if (url) send({ url, reading, do: "undo" });
  };
  const rowDo = (what) => {
    const cell = cellOf(current), grid = $("#grid"), form = $("#rowtools");
    const url = grid?.dataset.edits ?? form?.getAttribute("action"), reading = grid?.dataset.reading ?? $("[name=reading]", form)?.value;
    const at = cell?.closest("tr").sectionRowIndex ?? -1;
    if (what === "add") send({ url, reading, do: "add", to: at + 1 });
    else if (cell && what === "delete") send({ ...carried(cell), do: "delete", column: -1, seen: cell.closest("tr").dataset.sum });
    else if (cell) send({ ...carried(cell), do: "move", column: -1, to: at + (what === "up" ? -1 : 1) });
  };
  const check = () => {
    const form = $("#checkform"), next = $("#next");
    if (!form || !$("#check")) return;
    send({ url: form.getAttribute("action"), reading: $("[name=reading]", form).value, do: "check" });
    if (next) onward = next.href;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("#checkform, #clashform, #rowtools, form[data-edit]")) return;
    event.preventDefault();
    const what = event.submitter?.value;
    if (form.id === "rowtools") rowDo(what);
    else if (form.id === "checkform" && what === "undo") undo();
    else if (form.id === "checkform" && what === "check") check();
    else send({ url: form.getAttribute("action"), ...Object.fromEntries(new FormData(form)), do: what });
    form.closest("#note")?.replaceChildren();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || !outbox.length || again || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || link.target) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    onward = link.href;
  });
  addEventListener("beforeunload", (event) => {
    if (outbox.length || (editor && editor.value !== (cellOf(current)?.dataset.text ?? ""))) event.preventDefault();
  });
  addEventListener("online", () => pump());

  // The picture: as large as it fits times the zoom, turned, moved by hand, with the place of the current row lit.
  const boxOf = (text) => (text ? text.split(" ").map(Number) : null);
  let zoom = 1, turned = 0, light = () => {};
  const viewer = (stage) => {
    const picture = $("#picture"), paper = $(".paper", picture), img = $("img", paper), band = $("#band"), frame = $("#frame");
    const w = img.width || 1, h = img.height || 1;
    const natural = [Number(img.getAttribute("width")) || w, Number(img.getAttribute("height")) || h];
    const lay = () => {
      const [pw, ph] = turned % 2 ? [natural[1], natural[0]] : natural;
      const scale = Math.min((stage.clientWidth - 24) / pw, Math.max((stage.clientHeight - 24) / ph, (stage.clientWidth - 24) / pw * 0.6)) * zoom;
      picture.style.width = `${pw * scale}px`; picture.style.height = `${ph * scale}px`;
      paper.style.width = `${natural[0] * scale}px`; paper.style.height = `${natural[1] * scale}px`;
      paper.style.transform = `translate(-50%, -50%) rotate(${turned * 90}deg)`;
    };
    const scale = (factor) => {
      const x = (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth, y = (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight;
      zoom = Math.max(0.5, Math.min(6, zoom * factor));
      lay();
      stage.scrollTo(x * stage.scrollWidth - stage.clientWidth / 2, y * stage.scrollHeight - stage.clientHeight / 2);
    };
    const turn = () => { turned = (turned + 1) % 4; lay(); };
    const set = (rect, box) => {
      rect.setAttribute("width", box ? box[2] - box[0] : 0); rect.setAttribute("height", box ? box[3] - box[1] : 0);
      rect.setAttribute("x", box ? box[0] : 0); rect.setAttribute("y", box ? box[1] : 0);
    };
    light = (cell) => {
      const row = boxOf(cell.closest("tr").dataset.box), own = boxOf(cell.dataset.box);
      set(band, row && [Math.max(row[0] - 12, 0), row[1] - 4, Math.min(row[2] + 12, 1000), row[3] + 4]);
      set(frame, own && [own[0] - 5, own[1] - 3, own[2] + 5, own[3] + 3]);
      const at = (own ? frame : band).getBoundingClientRect(), view = stage.getBoundingClientRect();
      if (!row && !own) return;
      const off = (a0, a1, v0, v1) => (a0 < v0 + 16 || a1 > v1 - 16 ? (a0 + a1) / 2 - (v0 + v1) / 2 : 0);
      stage.scrollBy(off(at.left, at.right, view.left, view.right), off(at.top, at.bottom, view.top, view.bottom));
    };
    $("#zoomin").addEventListener("click", () => scale(1.4));
    $("#zoomout").addEventListener("click", () => scale(1 / 1.4));
    $("#rotate").addEventListener("click", turn);
    stage.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); scale(event.deltaY < 0 ? 1.15 : 1 / 1.15); } }, { passive: false });
    let from = null;
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType !== "mouse") return;
      from = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => { if (from) stage.scrollTo(from.x - event.clientX, from.y - event.clientY); });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { from = null; });
    img.draggable = false;
    stage.addEventListener("dblclick", () => scale(zoom > 1.2 ? 1 / zoom : 2));
    const main = $("main.check"), divider = $("#divider");
    const part = (percent) => {
      const share = Math.max(25, Math.min(75, Math.round(percent)));
      main.style.setProperty("--part", `${share}%`);
      divider.setAttribute("aria-valuenow", share);
      try { localStorage.setItem("part", share); } catch { /* not remembered */ }
      lay();
    };
    let dragging = false;
    divider.addEventListener("pointerdown", (event) => { dragging = true; divider.setPointerCapture(event.pointerId); });
    divider.addEventListener("pointermove", (event) => { if (dragging) part(event.clientX / innerWidth * 100); });
    for (const end of ["pointerup", "pointercancel"]) divider.addEventListener(end, () => { dragging = false; });
    divider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -3, ArrowRight: 3 }[event.key];
      if (by) { event.preventDefault(); event.stopPropagation(); part(Number(divider.getAttribute("aria-valuenow")) + by); }
    });
    new ResizeObserver(() => { lay(); if (cellOf(current)) light(cellOf(current)); }).observe(stage);
    let share = 0;
    try { share = Number(localStorage.getItem("part")); } catch { share = 0; }
    part(share || 52);
    return { scale, turn };
  };

  document.addEventListener("DOMContentLoaded", () => {
    const stage = $("#stage"), view = stage ? viewer(stage) : null;
    const start = (event) => {
      const hash = decodeURIComponent(location.hash.slice(1)), wanted = hash && document.getElementById(hash);
      const first = wanted?.matches?.("tr") ? $(".cell", wanted) : wanted?.matches?.(".cell") ? wanted : null;
      if (first || event?.type !== "hashchange") go(first ?? nextDoubt() ?? cells()[0], Boolean(first)); // #main is no cell
    };
    start();
    addEventListener("hashchange", start);
    // Going to the row that the address names takes the focus away from its cell, after this.
    addEventListener("load", () => { if (location.hash) start(); });
    document.addEventListener("focusin", (event) => { const cell = event.target.closest?.("#lines .cell"); if (cell && !editor && cell.id !== current) go(cell, false); });
    // A finger that touches the current cell again wants to type into it.
    let touched = "";
    document.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch" ? current : ""; });
    // The keyboard of a phone takes half of the page: the cell comes back into sight above it.
    visualViewport?.addEventListener("resize", () => { if (editor) bring(editor.closest(".cell")); });
    document.addEventListener("click", (event) => {
      const cell = event.target.closest("#lines .cell"), link = event.target.closest("[data-cell]"), tool = event.target.closest("button[data-do]");
      if (cell && !cell.contains(editor)) { go(cell); if (cell.id === touched) edit(); }
      if (link) { event.preventDefault(); go(cellOf(link.dataset.cell)); }
      if (tool?.type === "button") rowDo(tool.dataset.do);
      if (event.target.closest("#accept")) accept();
      if (event.target.closest("#change")) edit();
    });
    $("#sieve")?.addEventListener("change", (event) => { if (event.target.type !== "search") event.currentTarget.requestSubmit(); });
    document.addEventListener("dblclick", (event) => { if (event.target.closest("#lines .cell")) edit(); });
    document.addEventListener("htmx:after:swap", () => { if (!cellOf(current)) start(); });
    document.addEventListener("keydown", (event) => {
      if (event.target.closest?.("input, select, textarea, dialog[open]")) return;
      // If nothing else has the focus, as on a page that was just opened, the keys act on the current cell.
      const cell = cellOf(current), inGrid = Boolean(event.target.closest?.("#lines .cell")) || Boolean(cell && event.target === document.body);
      if (event.ctrlKey || event.metaKey) {
        if (event.key === "z") { event.preventDefault(); undo(); }
        else if (event.key === "Enter") { event.preventDefault(); check(); }
        return;
      }
      if (event.altKey) return;
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (inGrid && step) { event.preventDefault(); go(beside(cell, ...step)); return; }
      if (inGrid && event.key === "Enter") { event.preventDefault(); if (!event.repeat && !accept()) go(beside(cell, 1, 0)); return; }
      if ((event.key === "F2" || event.key === "e") && cell) { event.preventDefault(); go(cell); edit(); return; }
      if (inGrid && event.key === "Delete") { if (editable(cell)) put(cell, ""); return; }
      const key = event.key, to = { "]": "#next", "[": "#previous", b: "#back" }[key];
      const shortcut = !inGrid || !event.shiftKey;
      if (shortcut && to && $(to)) $(to).click();
      else if (shortcut && view && (key === "+" || key === "=")) view.scale(1.4);
      else if (shortcut && view && key === "-") view.scale(1 / 1.4);
      else if (shortcut && view && key === "r") view.turn();
      else if (shortcut && key === "n") go(nextDoubt());
      else if (shortcut && key === "o" && cell && isRows()) $("a", cell.closest("tr"))?.click();
      else if (key === "/" && $("#q")) { event.preventDefault(); $("#q").focus(); }
    });
    pump();
  });
})();
