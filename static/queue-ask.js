// The queue: one doubt after the other over all pictures of a batch. The next pictures, crops and rows are here before they
// are needed, and answers are sent in the background. Without this file the same page works by its form.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (sentence) => document.dispatchEvent(new CustomEvent("say", { detail: sentence }));
  const fill = (text, parts) => text.replace(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);
  const touch = matchMedia("(pointer: coarse)").matches;
  const ahead = 4; // doubts that are prepared beforehand

  const queue = (main) => {
    const { batch, kind } = main.dataset, address = `${batch}/check`;
    const field = $("#v"), right = $("#right"), other = $("#unreadable"), stage = $("#stage"), paper = $("#paper"), crop = $("#crop");
    let order = [], at = -1, sheets = new Map(), reading = 0, editing = false, generation = 0, more = false;
    const here = () => order[at];
    const open = (d) => !d.done;
    const left = () => order.filter(open).length;

    const { pictures, tables, picture, rowsOf } = queueStore(batch, address);

    // The crop: the cell with its neighbours' edges, its letters as tall as those of the value under it.
    const numbers = (box) => (box ? box.split(" ").map(Number) : null);
    const cut = (d, img, wide, tall, indent) => {
      const canvas = document.createElement("canvas"), dpr = Math.min(devicePixelRatio || 1, 2);
      canvas.width = wide * dpr;
      canvas.height = tall * dpr;
      const box = numbers(d.box) ?? numbers(d.band), w = img.naturalWidth, h = img.naturalHeight;
      if (!box || !w) return null;
      const [x0, y0, x1, y1] = [box[0] * w / 1000, box[1] * h / 1000, box[2] * w / 1000, box[3] * h / 1000];
      const lines = Math.max(1, d.text.split("\n").length), size = parseFloat(getComputedStyle(field).fontSize);
      let scale = size * 0.95 * lines / Math.max(y1 - y0, 4);
      scale = Math.min(scale, (wide - indent - 12) / Math.max(x1 - x0, 4), (tall - 12) / Math.max(y1 - y0, 4), 8);
      const ctx = canvas.getContext("2d");
      ctx.imageSmoothingQuality = "high";
      ctx.scale(dpr, dpr);
      const left = d.box ? x0 - indent / scale : x0 - (wide / scale - (x1 - x0)) / 2, top = (y0 + y1) / 2 - tall / 2 / scale;
      ctx.drawImage(img, left, top, wide / scale, tall / scale, 0, 0, wide, tall);
      return canvas;
    };
    const prepare = async (d) => {
      if (!d || d.crop) return;
      const p = picture(d.n);
      rowsOf(d.n);
      await p.ready;
      if (p.state === "here" && !d.crop) d.crop = cut(d, p.img, crop.clientWidth || 600, crop.clientHeight || 92, parseFloat(getComputedStyle(crop).getPropertyValue("--in")) || 56);
    };
    const painted = (f) => requestAnimationFrame(() => setTimeout(f)); // what is for later must not hold back what is to be seen now
    const lookAhead = () => {
      let found = 0;
      for (let i = at + 1; i < order.length && found < ahead; i++) if (open(order[i])) { found++; prepare(order[i]); }
    };

    // Unsent answers: kept in the browser until the server has them, sent one after the other, and retried. Other pages send
    // what is left over (static/app.js).
    const store = `edits:${location.pathname}`, acts = [];
    let outbox = [], busy = false, again = 0, wanted = "";
    try { outbox = JSON.parse(localStorage.getItem(store) ?? "[]"); } catch { outbox = []; }
    const remember = () => { try { outbox.length ? localStorage.setItem(store, JSON.stringify(outbox)) : localStorage.removeItem(store); } catch { /* no room: still in memory */ } };
    const tell = (sentence, aloud = true) => {
      $("#told").hidden = !sentence;
      $("#told").textContent = sentence;
      if (sentence && aloud) say(sentence);
    };
    const send = (fields) => {
      wanted = "";
      outbox.push({ url: address, token: fields.token ?? crypto.getRandomValues(new Uint32Array(3)).join("-"), ...fields });
      generation++;
      remember();
      pump();
      return outbox.at(-1).token;
    };
    const pump = async () => {
      if (busy || !outbox.length) return;
      busy = true;
      clearTimeout(again);
      const { url, ...fields } = outbox[0];
      let answer = null, said = {};
      try {
        answer = await fetch(url, { method: "POST", headers: { "HX-Request": "true" }, body: new URLSearchParams(fields), signal: AbortSignal.timeout(15000) });
        if (answer.status >= 500 || answer.status === 401 || answer.status === 429) throw new Error(String(answer.status));
        said = await answer.json().catch(() => ({}));
      } catch {
        busy = false;
        $("#kept").textContent = fill(main.dataset.offline, { n: outbox.length });
        $("#kept").dataset.state = "waits";
        again = setTimeout(pump, 3000);
        return;
      }
      outbox.shift();
      remember();
      busy = false;
      generation++;
      $("#kept").textContent = "";
      if (!answer.ok) refused(fields, said);
      else if (fields.do === "undo" && !fields.token && said.id) await back(said.id);
      if (outbox.length) pump();
      else if (leaving) location.assign(leaving);
      else if (!answer.ok || fields.do === "undo") refresh();
    };
    const back = async (id) => { // an answer of an earlier visit was taken back; its question is shown as soon as it is here
      wanted = id;
      await refresh(true);
      tell(main.dataset.undone);
    };
    const refused = (fields, said) => {
      leaving = "";
      const d = order.find((one) => one.id === fields.id);
      if (said.conflict && d && fields.do !== "undo") {
        Object.assign(d, { done: false, clash: { now: said.now ?? "", by: said.by, mine: fields.do === "unreadable" ? main.dataset.unread : fields.text } });
        const from = order.indexOf(d); // it is asked after the current one
        if (from !== at) {
          order.splice(from, 1);
          if (from < at) at--;
          order.splice(at + 1, 0, d);
        } else show(at);
        count();
        return;
      }
      tell(fill(main.dataset.refused, { why: said.problem ?? "" }));
    };

    // What others do meanwhile, and what pictures bring that are still being read.
    const refresh = async (force) => {
      const was = generation;
      if (!force && (outbox.length || document.hidden)) return;
      const answer = await fetch(`${address}/doubts${kind ? `?kind=${kind}` : ""}`).catch(() => null);
      const fresh = answer?.ok ? await answer.json().catch(() => null) : null;
      if (fresh && (force || was === generation && !outbox.length)) take(fresh);
    };
    const take = (fresh) => {
      const now = new Map(fresh.questions.map((q) => [q.id, q])), known = new Set(), current = here();
      more = fresh.total > fresh.questions.length;
      reading = fresh.reading;
      sheets = new Map(fresh.sheets.map((s) => [s.n, s]));
      for (const d of order) {
        known.add(d.id);
        const q = now.get(d.id);
        if (q) {
          if (q.text !== d.text || q.box !== d.box || q.generation !== d.generation) { d.crop = null; tables.delete(d.n); }
          if (d !== current || !dirty()) Object.assign(d, q);
          d.done = false;
        } else if (!d.done && !d.clash && !more) Object.assign(d, { done: true, others: true });
      }
      for (const q of fresh.questions) if (!known.has(q.id)) order.push(q);
      if (now.has(wanted)) {
        const id = wanted;
        wanted = "";
        show(order.findIndex((d) => d.id === id));
        tell(main.dataset.undone);
      }
      if (current?.done && current.others) {
        const head = `${current.head} ${current.sub}`;
        current.others = false;
        next();
        tell(fill(main.dataset.settled, { head }));
      }
      count();
      lookAhead();
    };

    // What is shown.
    const dirty = () => Boolean(here()) && field.value !== shownText(here());
    const shownText = (d) => (d.clash ? d.clash.now : d.text);
    const count = () => {
      const n = order.length, done = n - left();
      $("#count b").textContent = Math.min(at + 1, n);
      $("#count").lastChild.textContent = ` ${fill(reading ? $("#count").dataset.sofar : $("#count").dataset.of, { all: n })}`;
      $("#hair rect").setAttribute("width", `${100 * done / Math.max(n, 1)}%`);
      $("#hair").setAttribute("aria-label", fill(main.dataset.done, { n: done, all: n }));
      if (!kind) for (const tab of all(".qbar [data-kind]")) {
        const of = order.filter((d) => open(d) && (!tab.dataset.kind || d.kind === tab.dataset.kind)).length;
        $(".left", tab).textContent = of;
        tab.toggleAttribute("data-none", of === 0 && tab.dataset.kind !== "");
        tab.classList.toggle("here", tab.dataset.kind === here()?.kind);
      }
      const like = alike().length, button = $("#like");
      button.hidden = like < 2;
      $("span", button).textContent = fill(button.dataset.text, { n: like });
    };
    const label = () => {
      const d = here();
      const text = d.clash ? right.dataset.theirs : waits(d) ? right.dataset.wait : dirty() ? right.dataset.save : left() === 1 && !d.done ? right.dataset.last : right.dataset.right;
      $("span", right).textContent = text;
      right.setAttribute("aria-disabled", String(waits(d)));
      $("span", other).textContent = d.clash ? other.dataset.mine : other.dataset.text;
      other.hidden = d.column < 0;
    };
    const waits = (d) => pictures.get(d.n)?.state !== "here" && pictures.get(d.n)?.state !== "broken";
    const show = (i) => {
      at = i;
      const d = here(), s = sheets.get(d.n) ?? { name: "", by: "" };
      editing = false;
      $("#head bdi").textContent = d.head;
      $("#head .soft").textContent = d.sub;
      const badge = $("#why .kind");
      badge.className = `status kind ${d.kind}`;
      $("use", badge).setAttribute("href", $(`.qbar [data-kind="${d.kind}"] use`)?.getAttribute("href") ?? "#i-warn");
      $("span", badge).textContent = main.dataset[`kind${d.kind[0].toUpperCase()}${d.kind.slice(1)}`];
      $("#reason").textContent = d.clash ? fill(main.dataset.clash, d.clash) : d.why;
      tell(d.skipped ? main.dataset.again : "", false);
      $("#readout").hidden = d.column < 0 && !d.band; // about the whole picture, which is beside it
      $("#value").hidden = d.column < 0;
      $("#vlabel").textContent = d.head;
      field.value = shownText(d);
      field.rows = Math.min(4, field.value.split("\n").length);
      field.readOnly = Boolean(d.clash);
      offers(d);
      $("#sheetname").textContent = s.name;
      $("#sheetname").href = `${batch}/images/${d.n}#r-${d.n}-${d.row}`;
      $("#readby").textContent = s.by;
      $("#undo").disabled = false;
      drawCrop(d);
      drawRows(d);
      drawPicture(d, s);
      label();
      count();
      if (!touch && !$("#same").open) { (d.column < 0 ? right : field).focus({ preventScroll: true }); if (d.column >= 0) field.select(); }
      say(`${at + 1} ${fill($("#count").dataset.of, { all: order.length })}. ${d.head} ${d.sub}. ${$("span", badge).textContent}: ${$("#reason").textContent} ${d.column < 0 ? "" : field.value || main.dataset.blank}`);
      painted(lookAhead);
      if (more && order.slice(at).filter(open).length < 50) refresh();
    };
    const offers = (d) => {
      $("#offers").replaceChildren(...(d.clash ? [] : d.offers ?? []).map((text, i) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "offer", value: text });
        const no = Object.assign(document.createElement("span"), { className: "no" });
        no.append(Object.assign(document.createElement("kbd"), { textContent: i + 1 }));
        button.append(no, Object.assign(document.createElement("span"), { textContent: text, dir: "auto" }));
        button.addEventListener("click", (event) => { event.preventDefault(); answer({ text }); });
        return button;
      }));
    };
    const drawCrop = (d) => {
      crop.classList.remove("wait", "note");
      const state = pictures.get(d.n)?.state;
      if (d.crop) { crop.replaceChildren(d.crop); return; }
      const note = state === "broken" ? crop.dataset.broken : !d.box && !d.band ? crop.dataset.nowhere : "";
      crop.replaceChildren(...(note ? [Object.assign(document.createElement("p"), { textContent: note })] : []));
      crop.classList.add(note ? "note" : "wait");
      prepare(d).then(() => { if (here() === d) { if (d.crop) { crop.classList.remove("wait", "note"); crop.replaceChildren(d.crop); } else if (picture(d.n).state === "broken") { crop.classList.replace("wait", "note"); crop.textContent = crop.dataset.broken; } drawPicture(d, sheets.get(d.n) ?? {}); label(); } });
    };
    const drawRows = (d) => {
      const box = $("#rows"), t = rowsOf(d.n);
      if (!t.element) {
        t.ready.then(() => { if (here() === d && t.element) drawRows(d); });
        if ($("table", box) && box.dataset.n !== String(d.n)) box.replaceChildren();
        return;
      }
      if (box.firstElementChild !== t.element) box.replaceChildren(t.element);
      box.dataset.n = d.n;
      for (const old of all(".lit, .at", t.element)) old.classList.remove("lit", "at");
      const row = document.getElementById(`r-${d.n}-${d.row}`), cell = document.getElementById(`c-${d.n}-${d.row}-${d.column + 1}`);
      row?.classList.add("lit");
      cell?.classList.add("at");
      const to = cell ?? row;
      if (!to || !box.clientHeight) return;
      const head = $("thead", t.element)?.offsetHeight ?? 0, r = to.getBoundingClientRect(), b = box.getBoundingClientRect();
      box.scrollTop += r.top + r.height / 2 - (b.top + head + (b.height - head) / 2);
      if (cell) box.scrollLeft += r.left < b.left + 48 ? r.left - b.left - 56 : r.right > b.right ? r.right - b.right + 8 : 0;
    };
    let zoom = 1;
    const place = (rect, box, wide, tall) => {
      const b = numbers(box);
      for (const [name, value] of b ? [["x", b[0] - wide], ["y", b[1] - tall], ["width", b[2] - b[0] + 2 * wide], ["height", b[3] - b[1] + 2 * tall]] : [["width", 0], ["height", 0]]) rect.setAttribute(name, value);
    };
    const drawPicture = (d, s) => {
      const p = picture(d.n);
      if (p.state === "here" && $("img", paper) !== p.img) {
        p.img.alt = fill(main.dataset.alt, { name: s.name ?? "" });
        p.img.draggable = false;
        $("img", paper).replaceWith(p.img);
      } else if (p.state !== "here") $("img", paper).classList.add("old");
      if (p.state === "here") p.img.classList.remove("old");
      const w = s.width || p.img.naturalWidth || 1, h = s.height || p.img.naturalHeight || 1;
      const [vw, vh] = [stage.clientWidth, stage.clientHeight], row = numbers(d.band), own = numbers(d.box) ?? row;
      // As wide as the stage, and letters never smaller than can be read.
      let scale = Math.min((vw - 16) / w, Math.max((vh - 16) / h, (vw - 16) / w));
      if (own) scale = Math.max(scale, Math.min(12 / Math.max((own[3] - own[1]) * h / 1000, 1), 3 * scale));
      scale *= zoom;
      const [pw, ph] = [w * scale, h * scale];
      paper.style.width = `${pw}px`;
      paper.style.height = `${ph}px`;
      place($("#marks .band"), d.band, 12, 4);
      place($("#marks .frame"), d.box, 5, 3);
      const mid = own ? [(own[0] + own[2]) / 2000, (own[1] + own[3]) / 2000] : [0.5, 0];
      let x = mid[0] * pw - vw / 2;
      if (row && own[2] * pw / 1000 - row[0] * pw / 1000 < vw - 24) x = row[0] * pw / 1000 - 12; // its row's begin is seen too
      stage.scrollTo(x + paper.offsetLeft, mid[1] * ph + paper.offsetTop - vh / 2);
    };

    // Answers.
    const forward = () => {
      for (let i = at + 1; i < order.length; i++) if (open(order[i])) return i;
      return order.findIndex(open);
    };
    const next = () => {
      const i = forward();
      if (i >= 0) show(i);
      else leave(address);
    };
    let leaving = "";
    const leave = (to) => {
      if (!outbox.length) { location.assign(to); return; }
      leaving = to;
      pump();
    };
    const mark = (d, text, state) => {
      const cell = document.getElementById(`c-${d.n}-${d.row}-${d.column + 1}`) ?? tables.get(d.n)?.element?.querySelector(`#c-${d.n}-${d.row}-${d.column + 1}`);
      if (!cell) return;
      cell.className = `cell ${state} ${cell.classList.contains("num") ? "num" : ""}`;
      cell.textContent = state === "lost" ? main.dataset.unread : text;
    };
    const post = (d, fields) => {
      const text = fields.do === "unreadable" ? "" : fields.text ?? d.text;
      d.before = { text: d.text, done: d.done };
      const token = send({ id: d.id, generation: d.generation, seen: d.clash ? d.clash.now : d.text, text, do: "cell", ...fields });
      mark(d, text, fields.do === "unreadable" ? "lost" : text === d.text ? "accepted" : "edited");
      Object.assign(d, { done: true, answered: text, clash: null, skipped: false, crop: null });
      return token;
    };
    const answer = (fields = {}) => {
      const d = here();
      if (!d || waits(d)) return;
      if (d.clash && fields.mine) acts.push({ ids: [d.id], tokens: [post(d, { text: d.clash.mine })] });
      else if (d.clash) Object.assign(d, { done: true, text: d.clash.now, clash: null });
      else if (!d.done || fields.do || (fields.text ?? field.value) !== d.text) acts.push({ ids: [d.id], tokens: [post(d, { text: field.value, ...fields })] });
      next();
    };
    const skip = () => {
      const d = here();
      if (left() < 2) { leave(batch); return; }
      order.splice(at, 1);
      d.skipped = true;
      order.push(d); // it comes again at the end
      at--;
      next();
    };
    const undo = () => {
      const act = acts.pop();
      if (!act) { send({ do: "undo", token: "" }); return; }
      const unsent = new Set(act.tokens.filter((t) => outbox.some((e, i) => e.token === t && (i > 0 || !busy))));
      outbox = outbox.filter((e) => !unsent.has(e.token));
      remember();
      if (act.group && unsent.size < act.tokens.length) send({ do: "undo", id: act.ids[0], group: act.group });
      else act.ids.forEach((id, i) => { if (!unsent.has(act.tokens[i])) send({ do: "undo", id, token: act.tokens[i] }); });
      for (const d of order.filter((one) => act.ids.includes(one.id))) {
        d.done = false;
        mark(d, d.text, d.kind);
      }
      show(order.findIndex((d) => d.id === act.ids[0]));
      tell(main.dataset.undone);
    };
    const step = (by) => { if (order[at + by]) show(at + by); };

    // Several of the same kind side by side.
    const alike = () => { const d = here(); return d && !d.clash ? order.filter((one) => open(one) && one.like === d.like && !one.clash).slice(0, 10) : []; };
    const same = $("#same");
    const ticks = () => all("input", $("#twins"));
    const total = () => {
      const n = ticks().filter((t) => t.checked).length, button = $("#allright");
      $("span", button).textContent = n ? fill(button.dataset.text, { n }) : button.dataset.none;
    };
    const together = () => {
      const found = alike();
      if (found.length < 2) return;
      $("#same-title").textContent = fill($("#same-title").dataset.text, { n: found.length, head: found[0].column < 0 ? $("#why .kind span").textContent : found[0].head });
      $("#twins").replaceChildren(...found.map((d, i) => {
        const li = document.createElement("li"), card = Object.assign(document.createElement("label"), { className: "twin" });
        const view = Object.assign(document.createElement("span"), { className: "crop wait" });
        const value = Object.assign(document.createElement("span"), { className: "val", textContent: d.column < 0 ? d.why : d.text || main.dataset.blank, dir: "auto" });
        value.classList.toggle("words", d.column < 0);
        const of = Object.assign(document.createElement("span"), { className: "of" });
        const on = Object.assign(document.createElement("span"), { className: "on", textContent: `${sheets.get(d.n)?.name ?? ""}${d.row ? `, ${d.sub}` : ""}`, dir: "auto" });
        const off = Object.assign(document.createElement("span"), { className: "off", textContent: $("#twins").dataset.stays });
        const tick = Object.assign(document.createElement("input"), { type: "checkbox", checked: true, value: d.id, autocomplete: "off" });
        of.append(on, off, tick);
        card.append(view, value, of);
        li.append(card);
        if (i === 0) requestAnimationFrame(() => tick.focus());
        const p = picture(d.n);
        p.ready.then(() => {
          const small = p.state === "here" ? cut(d, p.img, view.clientWidth || 200, 74, 18) : null;
          view.classList.remove("wait");
          if (small) view.replaceChildren(small);
          d.seen = p.state === "here" ? Boolean(small) || !d.box : true;
        });
        return li;
      }));
      total();
      same.showModal();
    };
    const allRight = () => {
      const ids = new Set(ticks().filter((t) => t.checked).map((t) => t.value)), group = crypto.getRandomValues(new Uint32Array(3)).join("-");
      const found = order.filter((d) => ids.has(d.id));
      if (all(".wait", $("#twins")).length) return; // nothing is confirmed unseen
      same.close();
      if (!found.length) return;
      acts.push({ ids: found.map((d) => d.id), tokens: found.map((d) => post(d, { text: d.text, group })), group });
      if (here().done) next(); else show(at);
    };

    // Keys. With Alt some systems type another letter than the one on the key.
    const letter = (event) => (event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : event.key);
    const inSame = (event) => {
      const list = ticks(), i = list.indexOf(document.activeElement);
      const columns = Math.max(1, Math.round($("#twins").clientWidth / ($("#twins li")?.clientWidth || 1)));
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (event.altKey && letter(event) === "n") { event.preventDefault(); for (const t of list) t.checked = false; total(); }
      else if (by) { event.preventDefault(); list[Math.max(0, Math.min(list.length - 1, Math.max(i, 0) + by))]?.focus(); }
      else if (event.key === "Enter" && !event.target.closest("button")) { event.preventDefault(); allRight(); }
    };
    const onKey = (event) => {
      if (event.isComposing || $("#keyboard[open]")) return;
      if (same.open) { inSame(event); return; }
      const d = here(), inField = event.target === field, command = event.ctrlKey || event.metaKey;
      const act = (f) => { event.preventDefault(); event.stopPropagation(); if (!event.repeat || f === undo) f(); };
      if (command && event.key.toLowerCase() === "z" && !(inField && dirty())) return act(undo);
      if (command) return;
      if (event.altKey) {
        const f = { u: () => d.column >= 0 && answer(d.clash ? { mine: true } : { do: "unreadable" }), s: skip, a: together, ArrowLeft: () => step(-1), ArrowRight: () => step(1) }[letter(event)];
        if (f) act(f);
        return;
      }
      if (event.key === "Escape") return act(() => { if (inField && (dirty() || editing)) { field.value = shownText(d); editing = false; field.select(); label(); } else leave(batch); });
      if (event.key === "F2") return act(() => { editing = true; field.classList.add("editing"); field.focus(); field.setSelectionRange(field.value.length, field.value.length); });
      if (event.target.closest("button, a, input") && (event.key === "Enter" || event.key === " ")) return;
      if (event.key === "Enter" && !event.shiftKey) return act(() => answer());
      const nth = Number(event.key);
      if (nth > 0 && !editing && !dirty() && d.offers?.[nth - 1] !== undefined && !d.clash) return act(() => answer({ text: d.offers[nth - 1] }));
      if (event.key.length === 1 && !inField && d.column >= 0) field.focus({ preventScroll: true }); // letters and digits replace the value
      if (event.key === "ArrowUp" || event.key === "ArrowDown") if (inField && !editing) act(() => step(event.key === "ArrowUp" ? -1 : 1));
    };

    document.addEventListener("keydown", onKey);
    field.addEventListener("input", () => { editing = true; label(); });
    field.addEventListener("pointerdown", () => { editing = true; });
    field.addEventListener("focus", () => field.classList.toggle("editing", editing || touch));
    field.addEventListener("input", () => field.classList.add("editing"));
    $("#ask").addEventListener("submit", (event) => { event.preventDefault(); answer(); });
    right.addEventListener("click", (event) => { event.preventDefault(); answer(); });
    other.addEventListener("click", (event) => { event.preventDefault(); answer(here().clash ? { mine: true } : { do: "unreadable" }); });
    $("#skip").addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); skip(); });
    $("#undo").addEventListener("click", (event) => { event.preventDefault(); undo(); });
    $("#like").addEventListener("click", together);
    $("#leave").addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); leave(batch); });
    $("#allright").addEventListener("click", allRight);
    $("#onebyone").addEventListener("click", () => same.close());
    $("#none").addEventListener("click", () => { for (const t of ticks()) t.checked = false; total(); });
    $("#twins").addEventListener("change", total);
    same.addEventListener("close", () => { if (here() && !touch) { field.focus({ preventScroll: true }); field.select(); } });
    for (const [id, by] of [["#larger", 1.4], ["#smaller", 1 / 1.4]]) $(id).addEventListener("click", () => { zoom = Math.max(0.5, Math.min(5, zoom * by)); if (here()) drawPicture(here(), sheets.get(here().n) ?? {}); });
    $("#rows").addEventListener("click", (event) => {
      const cell = event.target.closest("td"), found = cell && order.findIndex((d) => `c-${d.n}-${d.row}-${d.column + 1}` === cell.id);
      if (found >= 0) show(found);
    });
    addEventListener("beforeunload", (event) => { if (outbox.length && !leaving) event.preventDefault(); });
    addEventListener("online", pump);
    new ResizeObserver(() => { for (const d of order) d.crop = null; if (here()) { drawCrop(here()); drawRows(here()); drawPicture(here(), sheets.get(here().n) ?? {}); } }).observe(stage);
    setInterval(refresh, 4000);
    const begin = async () => {
      const answer = await fetch(`${address}/doubts${kind ? `?kind=${kind}` : ""}`).catch(() => null);
      if (!answer?.ok) { setTimeout(begin, 2000); return; }
      take(await answer.json());
      if (!order.length) { location.reload(); return; }
      show(Math.max(0, order.findIndex((d) => d.id === main.dataset.first)));
      main.dataset.ready = "";
    };
    begin().then(pump);
  };

  document.addEventListener("DOMContentLoaded", () => {
    queueEnd();
    const main = $("main.queue");
    if (main) queue(main);
  });
})();
