// The grid of all rows, as in a spreadsheet: one current cell, a range, typing, the clipboard, filters that act at once.
// Letters belong to the cells: what else the page can do is on keys with Alt, and on buttons.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (sentence) => { if (sentence) document.dispatchEvent(new CustomEvent("say", { detail: sentence })); };

  const begin = () => {
    const frame = $("#sheet"), table = $("#grid"), body = $("#lines"), words = $("#sheet-hint")?.dataset;
    if (!frame) return;
    frame.classList.add("live-grid");
    const width = table.tHead.rows[0].cells.length - 2;
    let at = { i: 0, j: 0 }, from = { i: 0, j: 0 }, editor = null, held = false, painted = [];

    const cellAt = (i, j) => { const tr = rows.line(i); return tr && !tr.classList.contains("unread") ? tr.cells[j + 2] : null; };
    const editable = (cell) => cell && Number(cell.dataset.column) >= 0;
    const range = () => ({ top: Math.min(at.i, from.i), bottom: Math.max(at.i, from.i), left: Math.min(at.j, from.j), right: Math.max(at.j, from.j) });
    const keysOf = (top, bottom) => Array.from({ length: bottom - top + 1 }, (_, n) => rows.key(top + n)).filter(Boolean);

    // paint marks the current cell and the range on the rows in sight, and keeps the focus.
    const paint = () => {
      for (const cell of painted) { cell.classList.remove("in"); cell.removeAttribute("aria-selected"); cell.tabIndex = -1; cell.parentElement?.classList.remove("lit"); }
      painted = [];
      const { top, bottom, left, right } = range(), many = top !== bottom || left !== right;
      for (const tr of body.rows) {
        const i = Number(tr.ariaRowIndex) - 2;
        if (!(i >= top && i <= bottom) || tr.classList.contains("hole") || tr.classList.contains("unread")) continue;
        for (let j = left; j <= right; j++) {
          const cell = tr.cells[j + 2];
          if (many) { cell.classList.add("in"); cell.ariaSelected = "true"; }
          painted.push(cell);
        }
      }
      const cell = cellAt(at.i, at.j);
      if (cell?.isConnected) {
        cell.tabIndex = 0;
        cell.parentElement.classList.add("lit");
        painted.push(cell);
        if (held && !editor && document.activeElement !== cell && (document.activeElement === document.body || frame.contains(document.activeElement))) cell.focus({ preventScroll: true });
      }
      frame.tabIndex = cell?.isConnected ? -1 : 0; // the Tab key reaches the grid also while its current cell is out of sight
    };
    const rows = gridRows(frame, table, body, paint);

    // What stands above the grid about the current cell.
    let dwell = 0;
    const tell = () => {
      const cell = cellAt(at.i, at.j), tr = rows.line(at.i), box = $("#fx");
      box.hidden = false;
      $("#fx-image").textContent = tr ? $("th", tr).textContent.trim() : "";
      $("#fx-head").textContent = cell ? `${tr.cells[0].textContent.trim()} · ${table.tHead.rows[0].cells[at.j + 2].textContent.trim()}` : "";
      $("#fx-value").textContent = cell?.dataset.text ?? "";
      $("#fx-why").textContent = cell?.dataset.why ?? "";
      $("#fx-right").hidden = !cell?.dataset.why;
      if (tr) $("#fx-open").href = $("th a", tr).href;
      clearTimeout(dwell);
      dwell = setTimeout(() => crop(cell, tr), 200); // pictures are loaded for cells that somebody looks at
    };
    const crop = (cell, tr) => {
      const svg = $("#fx-crop"), place = cell && (cell.dataset.box || tr.dataset.box), [url, w, h] = (tr?.dataset.picture ?? "").split(" ");
      svg.toggleAttribute("hidden", !place || !url);
      if (!place || !url) return;
      const [left, top, right, bottom] = place.split(" ").map((n, k) => Number(n) * (k % 2 ? h : w) / 1000), image = $("image", svg);
      for (const [name, value] of [["href", url], ["width", w], ["height", h]]) if (image.getAttribute(name) !== value) image.setAttribute(name, value);
      const tall = (bottom - top) * 1.5, room = svg.clientWidth / Math.max(svg.clientHeight, 1);
      svg.setAttribute("viewBox", `${left - tall / 3} ${(top + bottom - tall) / 2} ${Math.max(tall * room, right - left + tall)} ${tall}`);
    };

    const go = (i, j, { extend = false, focus = true, seen = true } = {}) => {
      at = { i: Math.max(0, Math.min(rows.size - 1, i)), j: Math.max(0, Math.min(width - 1, j)) };
      if (!extend) from = { ...at };
      held ||= focus;
      if (seen) rows.show(at.i); else paint();
      const cell = cellAt(at.i, at.j);
      if (focus && cell?.isConnected) cell.focus({ preventScroll: true });
      if (cell) {
        const view = frame.getBoundingClientRect(), box = cell.getBoundingClientRect(), fixed = table.tHead.rows[0].cells[0].offsetWidth;
        if (box.left < view.left + fixed) frame.scrollLeft -= view.left + fixed - box.left; else if (box.right > view.right) frame.scrollLeft += box.right - view.right;
      }
      tell();
      const { top, bottom, left, right } = range();
      if (extend) {
        say(words.cells.replace("{n}", (bottom - top + 1) * (right - left + 1)));
        rows.ensure(keysOf(top, bottom)).catch(() => {}); // the clipboard needs them at once
      }
    };

    // Changes: shown at once, sent in the background.
    const show = (cell, text) => {
      cell.textContent = text;
      cell.dataset.text = text;
      delete cell.dataset.why; delete cell.dataset.tip;
      cell.classList.remove("guessed", "unreadable", "rule", "blank", "doubtful", "lost", "accepted");
      cell.classList.add("edited");
    };
    const placed = (tr) => { const [n, id] = rows.keyOf(tr).split("."); return { n: Number(n), row: Number(id), reading: Number(tr.dataset.reading) }; };
    // put gives cells new texts, as one group: a list of rows, columns and texts. It reports how many changed.
    const put = (list, repeats) => {
      const edits = [], changes = [];
      for (const { i, j, text } of list) {
        const cell = cellAt(i, j), was = cell?.dataset.text ?? "";
        if (!editable(cell) || was === text) continue;
        edits.push({ ...placed(cell.parentElement), do: "cell", column: Number(cell.dataset.column), text, seen: was });
        changes.push({ key: rows.key(i), j, was, now: text });
        show(cell, text);
      }
      send.edit(edits, changes, repeats);
      tell();
      return edits.length;
    };
    const told = (n) => say(n ? words.changed.replace("{n}", n) : words.nothing);
    const settled = async (sent, answer, more) => {
      if (more) return;
      const moved = sent.undo || sent.edits.some((e) => e.do === "add" || e.do === "delete");
      rows.drop(Array.from({ length: rows.size }, (_, i) => rows.key(i)));
      const shown = all("tr[id]", body).map(rows.keyOf);
      try {
        if (moved) await rows.again();
        await rows.ensure(shown, true);
        await counts();
      } catch { /* it comes with the next change */ }
      go(at.i, at.j, { extend: true, focus: false, seen: false });
    };
    const send = gridSend(table.dataset.url, settled);

    // counts renews the numbers of the page, and what it asks about dates and decimal marks.
    const counts = async () => {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(15000) });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["dates", "tabs", "rows-sum", "next-check"]) {
        const now = $(`#${id}`, page), old = document.getElementById(id);
        if (now && old && !old.isEqualNode(now)) old.replaceWith(document.adoptNode(now));
      }
    };

    const edit = (typed) => {
      const cell = cellAt(at.i, at.j);
      if (!editable(cell) || editor) return;
      const before = [...cell.childNodes], text = cell.dataset.text ?? "", { i, j } = at;
      editor = document.createElement(text.includes("\n") ? "textarea" : "input");
      Object.assign(editor, { dir: "auto", className: "editor", autocapitalize: "off", autocomplete: "off", spellcheck: false, enterKeyHint: "done" });
      editor.setAttribute("autocorrect", "off");
      if (cell.classList.contains("num")) editor.inputMode = "decimal";
      editor.value = typed ?? text;
      editor.ariaLabel = table.tHead.rows[0].cells[j + 2].textContent.trim();
      cell.replaceChildren(editor);
      editor.focus({ preventScroll: true });
      if (typed === undefined) editor.select();
      const close = (save) => {
        if (!editor) return;
        const value = editor.value.trim();
        editor = null;
        cell.replaceChildren(...before);
        if (save && value !== text) put([{ i, j, text: value }]);
      };
      editor.addEventListener("blur", () => close(true));
      editor.addEventListener("input", () => { $("#fx-value").textContent = editor?.value ?? ""; });
      editor.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        const leave = (di, dj) => { event.preventDefault(); close(true); go(i + di, j + dj); };
        if (event.key === "Escape") { close(false); go(i, j); }
        else if (event.key === "Enter" && !event.shiftKey) leave(1, 0);
        else if (event.key === "Tab") leave(0, event.shiftKey ? -1 : 1);
        else if (typed !== undefined && arrows[event.key] && !event.shiftKey) leave(...arrows[event.key]); // typing over a cell is not moving in it
      });
    };

    // The clipboard.
    const texts = ({ top, bottom, left, right }) => Array.from({ length: bottom - top + 1 }, (_, r) => Array.from({ length: right - left + 1 }, (_, c) => cellAt(top + r, left + c)?.dataset.text ?? ""));
    const clear = async () => {
      const { top, bottom, left, right } = range(), list = [];
      await rows.ensure(keysOf(top, bottom));
      for (let i = top; i <= bottom; i++) for (let j = left; j <= right; j++) list.push({ i, j, text: "" });
      told(put(list));
    };
    const copy = (event, cut) => {
      if (!inGrid(event) || editor) return;
      event.preventDefault();
      const { top, bottom } = range(), here = keysOf(top, bottom).every((_, n) => rows.line(top + n));
      if (here) event.clipboardData.setData("text/plain", tsv.write(texts(range())));
      else rows.ensure(keysOf(top, bottom)).then(() => navigator.clipboard.writeText(tsv.write(texts(range())))).catch(() => say(words.wait));
      if (here || navigator.clipboard) say(words.copied);
      if (cut) clear();
    };
    const paste = async (text) => {
      const block = tsv.read(text), { top, bottom, left, right } = range(), one = block.length === 1 && block[0].length === 1;
      const deep = one ? bottom - top + 1 : block.length, wide = one ? right - left + 1 : Math.max(...block.map((r) => r.length));
      const last = Math.min(rows.size - 1, top + deep - 1), list = [];
      await rows.ensure(keysOf(top, last));
      for (let r = 0; top + r <= last; r++) for (let c = 0; c < wide && left + c < width; c++) {
        const value = one ? block[0][0] : block[r][c];
        if (value !== undefined) list.push({ i: top + r, j: left + c, text: value.trim() });
      }
      const n = put(list);
      at = { i: last, j: Math.min(width - 1, left + wide - 1) };
      from = { i: top, j: left };
      paint();
      told(n);
      if (top + deep > rows.size || left + wide > width) say(words.cut);
    };
    const fillDown = async () => {
      let { top, bottom, left, right } = range();
      if (top === bottom) top = Math.max(0, top - 1);
      await rows.ensure(keysOf(top, bottom));
      const first = texts({ top, bottom: top, left, right })[0], list = [];
      for (let i = top + 1; i <= bottom; i++) for (let j = left; j <= right; j++) list.push({ i, j, text: first[j - left] });
      told(put(list));
    };

    const accept = () => {
      const cell = cellAt(at.i, at.j);
      if (!editable(cell) || !cell.dataset.why) return;
      send.edit([{ ...placed(cell.parentElement), do: "accept", column: Number(cell.dataset.column), seen: cell.dataset.text ?? "" }], null);
      delete cell.dataset.why;
      cell.classList.remove("guessed", "unreadable", "rule", "doubtful");
      tell();
    };
    // Rows come and go when everything typed is stored: a row is deleted only as its person saw it.
    const rowDo = async (what) => {
      await send.settles();
      const { top, bottom } = range();
      await rows.ensure(keysOf(top, bottom));
      const tr = rows.line(at.i);
      if (!tr || tr.classList.contains("unread")) { say(words.nothing); return; }
      if (what === "add") { send.edit([{ ...placed(tr), do: "add", row: 0, column: -1, to: Number(tr.cells[0].textContent) }], null); return; }
      const edits = [];
      for (let i = top; i <= bottom; i++) {
        const line = rows.line(i);
        if (line && !line.classList.contains("unread")) edits.push({ ...placed(line), do: "delete", column: -1, seen: line.dataset.sum });
      }
      send.edit(edits, null);
    };
    const undo = () => { const last = send.undo(); if (!last) { say(words.nothing); return; } restore(last.changes, "was"); };
    const redo = async () => {
      const next = send.redo();
      if (!next) { say(words.nothing); return; }
      await send.settles();
      await rows.ensure(next.changes.map((c) => c.key));
      told(put(next.changes.map((c) => ({ i: rows.place(c.key), j: c.j, text: c.now })), true));
    };
    const restore = (changes, which) => {
      for (const c of changes ?? []) { const cell = cellAt(rows.place(c.key), c.j); if (cell) { cell.textContent = c[which]; cell.dataset.text = c[which]; } }
      tell();
    };
    const next = async () => { // the next doubt among the rows that are shown
      for (let from = at.i, j = at.j + 1; from < rows.size; from += 200, j = 0) {
        await rows.ensure(keysOf(from, Math.min(rows.size - 1, from + 199)));
        for (let i = from; i < Math.min(rows.size, from + 200); i++, j = 0) for (; j < width; j++) if (cellAt(i, j)?.dataset.why) { go(i, j); return; }
      }
      say(words.nothing);
    };
    const acts = { accept, undo, add: () => rowDo("add"), delete: () => rowDo("delete"), down: fillDown, next };

    // Filters and order: they act at each letter, and stay in the address.
    const sieve = $("#sieve");
    let pause = 0;
    const filter = async (first = false) => {
      const fields = new URLSearchParams([...new FormData(sieve)].filter(([, value]) => value));
      history.replaceState(null, "", `${sieve.getAttribute("action")}${fields.size ? `?${fields}` : ""}`);
      let found = null;
      try { found = await rows.load(fields); } catch { say(words.wait); return; }
      if (!found) return;
      $("#found").textContent = found.said;
      $("#none").hidden = rows.size > 0;
      frame.hidden = rows.size === 0;
      for (const [tab, n] of [["", found.all], ["doubts", found.in_doubt], ["edited", found.edited], ["missing", found.missing]]) {
        const link = $(`[data-tab="${tab}"]`);
        $("b", link).textContent = n;
        if (sieve.elements.tab.value === tab) link.ariaCurrent = "true"; else link.removeAttribute("aria-current");
      }
      for (const link of all("thead [data-sort]", table)) {
        const th = link.closest("th"), sort = sieve.elements.sort.value;
        th.ariaSort = sort && sort === link.dataset.sort ? "ascending" : sort && sort === `-${link.dataset.sort}` ? "descending" : !sort && !link.dataset.sort ? "ascending" : "none";
      }
      const cell = first && document.activeElement.closest?.("#lines .cell"), named = first && rows.place(location.hash.replace("#r-", "").replace("-", "."));
      if (cell) go(rows.place(rows.keyOf(cell.parentElement)), cell.cellIndex - 2); // somebody was there before the rows were
      else if (named >= 0 && first) go(named, 0);
      else { frame.scrollTop = 0; go(0, at.j, { focus: false }); }
    };
    sieve.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
    sieve.addEventListener("input", (event) => {
      clearTimeout(pause);
      pause = setTimeout(() => filter(), event.target.type === "search" ? 120 : 0);
    });
    document.addEventListener("click", (event) => {
      const tab = event.target.closest("#tabs [data-tab]"), sort = event.target.closest("thead [data-sort]"), tool = event.target.closest("#fx [data-do]");
      if (tool) { tool.closest("details")?.removeAttribute("open"); held = true; acts[tool.dataset.do](); }
      if (!(tab || sort) || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (tab) sieve.elements.tab.value = tab.dataset.tab;
      else { const by = sort.dataset.sort, now = sieve.elements.sort.value; sieve.elements.sort.value = now === by && by ? `-${by}` : now === `-${by}` ? "" : by; }
      filter();
    });

    // Pointer and keys.
    const placeOf = (cell) => ({ i: Number(cell.parentElement.ariaRowIndex) - 2, j: cell.cellIndex - 2 });
    const inGrid = (event) => frame.contains(event.target) || held && event.target === document.body;
    let dragging = false, touched = null;
    body.addEventListener("pointerdown", (event) => {
      const cell = event.target.closest(".cell");
      if (!cell || cell.contains(editor) || event.button !== 0 || !rows.size) return;
      const { i, j } = placeOf(cell);
      touched = event.pointerType === "touch" && i === at.i && j === at.j ? cell : null;
      if (event.pointerType === "mouse") { dragging = true; event.preventDefault(); }
      go(i, j, { extend: event.shiftKey, seen: false });
    });
    document.addEventListener("pointermove", (event) => {
      const cell = dragging && document.elementFromPoint(event.clientX, event.clientY)?.closest("#lines .cell");
      if (!cell) return;
      const { i, j } = placeOf(cell);
      if (i !== at.i || j !== at.j) go(i, j, { extend: true });
    });
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { dragging = false; });
    body.addEventListener("click", (event) => { if (touched && touched === event.target.closest(".cell")) edit(); });
    body.addEventListener("dblclick", (event) => { if (event.target.closest(".cell")) edit(); });
    document.addEventListener("focusin", (event) => {
      if (event.target === frame) { held = true; go(at.i, at.j); return; }
      const cell = rows.size ? event.target.closest?.("#lines .cell") : null;
      held = Boolean(cell) || frame.contains(event.target);
      if (!cell || editor) return;
      const { i, j } = placeOf(cell);
      if (i !== at.i || j !== at.j) go(i, j, { focus: false, seen: false });
      held = true;
    });
    document.addEventListener("copy", (event) => copy(event, false));
    document.addEventListener("cut", (event) => copy(event, true));
    document.addEventListener("paste", (event) => {
      if (!inGrid(event) || editor) return;
      event.preventDefault();
      paste(event.clipboardData.getData("text/plain").replace(/\r?\n$/, ""));
    });
    const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const far = { PageDown: () => [rows.page(), 0], PageUp: () => [-rows.page(), 0], Home: () => [0, -width], End: () => [0, width] };
    const withCtrl = (event) => {
      const key = event.key.toLowerCase(), ends = arrows[event.key];
      if (ends) go(at.i + ends[0] * rows.size, at.j + ends[1] * width, { extend: event.shiftKey });
      else if (key === "home") go(0, 0, { extend: event.shiftKey });
      else if (key === "end") go(rows.size - 1, width - 1, { extend: event.shiftKey });
      else if (key === "z" && event.shiftKey || key === "y") redo();
      else if (key === "z") undo();
      else if (key === "d") fillDown();
      else if (key === "a") { go(0, 0, { seen: false }); go(rows.size - 1, width - 1, { extend: true, seen: false }); }
      else return;
      event.preventDefault();
    };
    const withAlt = (event) => {
      const act = { n: next, o: () => $("#fx-open").click(), r: accept, Insert: acts.add, Delete: acts.delete }[event.key];
      if (act) { event.preventDefault(); act(); }
    };
    document.addEventListener("keydown", (event) => {
      if (event.target.closest?.("input, select, textarea, dialog[open]")) return;
      if (!inGrid(event)) { if (event.key === "/" && !event.ctrlKey) { event.preventDefault(); $("#q").focus(); } return; }
      if (event.target.closest?.("a, thead") || !rows.size) return;
      if (event.altKey) { withAlt(event); return; }
      if (event.ctrlKey || event.metaKey) { withCtrl(event); return; }
      const step = arrows[event.key] ?? far[event.key]?.();
      if (step) { event.preventDefault(); go(at.i + step[0], at.j + step[1], { extend: event.shiftKey }); }
      else if (event.key === "Tab") {
        const to = at.j + (event.shiftKey ? -1 : 1);
        if (to >= 0 && to < width) { event.preventDefault(); go(at.i, to); } // from the first and the last column it leaves the grid
      }
      else if (event.key === "Enter" || event.key === "F2") { event.preventDefault(); edit(); }
      else if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); clear(); }
      else if (event.key === "Escape") go(at.i, at.j);
      else if (event.key.length === 1 && !event.isComposing) { event.preventDefault(); edit(event.key); }
    });
    visualViewport?.addEventListener("resize", () => { if (editor) rows.show(at.i); });

    // The grid has the height that is left between what stands above it and the bar at the bottom.
    const fit = () => {
      const top = frame.getBoundingClientRect().top + scrollY, bar = $("#actions")?.offsetHeight ?? 0;
      frame.style.maxHeight = `${Math.max(320, innerHeight - top - bar - 12)}px`;
    };
    addEventListener("resize", fit);
    new ResizeObserver(fit).observe($("main"));

    filter(true).then(fit);
  };
  document.addEventListener("DOMContentLoaded", begin);
})();
