// Pictures on their way: each file goes by itself, four at a time, under an id that this browser makes, so that trying
// again after a fault can never make it twice. What is said stands in the form's attributes (views/start.templ).
(() => {
  const ATONCE = 4, PAUSES = [1, 2, 4, 8, 15]; // seconds between tries when nothing answers
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  const size = (n) => n >= 1 << 20 ? `${(Math.round(n / (1 << 20) * 10) / 10).toLocaleString(document.documentElement.lang)} MB` : n >= 1024 ? `${Math.round(n / 1024)} KB` : `${n} B`;
  const number = (n) => n.toLocaleString(document.documentElement.lang);
  const newID = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

  const start = (form) => {
    const say = (key, values = {}) => fill(form.dataset["say" + key], values);
    const maxImages = Number(form.dataset.maxImages), maxBytes = Number(form.dataset.maxBytes);
    const cards = form.querySelector("#cards"), blank = form.querySelector("#card"), sending = form.querySelector("#sending");
    const refused = form.querySelector("#refused"), onwards = document.getElementById("onwards"), live = document.getElementById("say");
    const go = onwards.querySelector("a"), sum = onwards.querySelector("p");
    const input = form.querySelector("input[type=file]");
    const files = [];
    let here = Number(form.dataset.here), next = Number(form.dataset.next), batch = form.dataset.batch, making = null;
    let running = 0, painting = false;

    // The draft is made with the first picture, once.
    const draft = () => making ??= (async () => {
      if (batch) return batch;
      for (let i = 0; ; i++) {
        try {
          const answer = await fetch("/batches", { method: "POST", headers: { Accept: "application/json" } });
          const body = await answer.json().catch(() => ({}));
          if (answer.ok) {
            batch = body.url;
            history.replaceState(null, "", `${batch}?step=pictures`);
            return batch;
          }
          if (answer.status < 500) { making = null; throw new Refusal(say("Start", { why: body.detail ?? answer.statusText })); }
        } catch (fault) {
          if (fault instanceof Refusal) throw fault;
        }
        await pause(i, null);
      }
    })();

    class Refusal extends Error {}

    const pause = async (i, file) => {
      for (let left = PAUSES[Math.min(i, PAUSES.length - 1)]; left > 0; left--) {
        if (file) file.under.textContent = say("Again", { n: left });
        await new Promise((done) => setTimeout(done, 1000));
      }
    };

    const card = (file) => {
      const li = blank.content.firstElementChild.cloneNode(true);
      li.querySelector(".label").textContent = file.blob.name.replace(/(.)\.[^.]*$/, "$1");
      file.under = li.querySelector(".under span");
      file.under.textContent = say("Queued");
      file.bar = li.querySelector("rect");
      file.card = li;
      return li;
    };

    const add = (blobs) => {
      const fresh = document.createDocumentFragment();
      for (const blob of blobs) {
        if (blob.size === 0) { refuse(blob.name, say("Empty")); continue; }
        if (blob.size > maxBytes) { refuse(blob.name, say("Big", { size: size(blob.size), max: size(maxBytes) })); continue; }
        if (here + files.filter((f) => f.state !== "refused").length >= maxImages) { refuse(blob.name, say("Many", { max: number(maxImages) })); continue; }
        const file = { id: newID(), blob, place: next++, state: "queued", sent: 0, tries: 0 };
        files.push(file);
        fresh.append(card(file));
      }
      cards.append(fresh);
      if (files.length === 0) return;
      for (const rest of document.querySelectorAll("[data-rest]")) rest.hidden = true;
      const drop = form.querySelector(".drop");
      drop.classList.add("short");
      drop.querySelector("strong").textContent = say("More");
      drop.querySelector("[data-choose]").classList.remove("primary");
      paint();
      pump();
    };

    const refuse = (name, why) => {
      const li = document.createElement("li"), b = document.createElement("b"), span = document.createElement("span");
      b.textContent = name;
      span.textContent = why;
      li.append(b, span);
      refused.hidden = false;
      const list = refused.querySelector("ul");
      list.append(li);
      refused.querySelector("[data-refused]").textContent = say("Refused", { n: number(list.children.length) });
    };

    const pump = () => {
      while (running < ATONCE) {
        const file = files.find((f) => f.state === "queued");
        if (!file) break;
        file.state = "sending";
        running++;
        send(file).finally(() => { running--; paint(); pump(); });
      }
    };

    const send = async (file) => {
      for (;;) {
        try {
          await draft();
          const got = await put(file);
          file.state = "done";
          file.sent = file.blob.size;
          done(file, got);
          return;
        } catch (fault) {
          file.sent = 0;
          if (fault instanceof Refusal) {
            file.state = "refused";
            file.card.remove();
            refuse(file.blob.name, fault.message);
            return;
          }
          paint();
          await pause(file.tries++, file);
        }
      }
    };

    const put = (file) => new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const query = new URLSearchParams({ position: file.place, filename: file.blob.name });
      request.open("PUT", `${batch}/images/${file.id}?${query}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        file.sent = Math.min(event.loaded, file.blob.size);
        file.under.textContent = event.loaded >= event.total ? say("Prepare") : size(file.blob.size);
        paint();
      };
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve(request.response ?? {});
        else if ([408, 425, 429, 502, 503, 504].includes(request.status) || request.status === 500 && file.tries < 3) reject(new Error(request.statusText));
        else reject(new Refusal(request.response?.detail ?? `${request.status} ${request.statusText}`));
      };
      request.onerror = request.ontimeout = request.onabort = () => reject(new Error("no answer"));
      request.send(file.blob);
    });

    const done = (file, got) => {
      file.under.textContent = size(file.blob.size);
      file.bar.ownerSVGElement.remove();
      const img = Object.assign(new Image(164, 123), { alt: "", src: `${batch}/images/${got.n}/thumb` });
      file.card.querySelector(".shot").append(img);
      if (got.name) file.card.querySelector(".label").textContent = got.name;
      for (const note of got.notes ?? []) {
        const tag = document.createElement("span");
        tag.className = "tag wrap";
        tag.textContent = note.message ?? note.m ?? note;
        file.card.append(tag);
      }
    };

    const paint = () => {
      if (painting) return;
      painting = true;
      requestAnimationFrame(() => { painting = false; draw(); });
    };

    let spoken = "";
    const draw = () => {
      const wanted = files.filter((f) => f.state !== "refused");
      const finished = wanted.filter((f) => f.state === "done").length;
      const all = wanted.reduce((n, f) => n + f.blob.size, 0), sent = wanted.reduce((n, f) => n + f.sent, 0);
      for (const f of wanted) if (f.state === "sending") f.bar.setAttribute("width", `${(f.sent / f.blob.size * 100).toFixed(1)}%`);
      const busy = finished < wanted.length;
      sending.hidden = wanted.length === 0;
      sending.querySelector("[data-done]").textContent = number(finished);
      sending.querySelector("[data-of]").textContent = say("Of", { all: number(wanted.length) });
      sending.querySelector("[data-bytes]").textContent = say("Bytes", { sent: size(sent), all: size(all) });
      sending.querySelector("[data-note]").textContent = busy ? say(wanted.some((f) => f.tries > 1 && f.state === "sending") ? "Lost" : "Busy") : say("Done");
      const bar = sending.querySelector("[data-bar]");
      bar.setAttribute("width", `${all ? (sent / all * 100).toFixed(2) : 0}%`);
      bar.setAttribute("class", busy ? "processing" : "completed");
      const total = here + finished;
      onwards.hidden = wanted.length === 0 && here === 0;
      go.textContent = busy ? say("Wait", { done: number(finished), all: number(wanted.length) }) : say("Name");
      go.href = `${batch}?step=names`;
      if (busy || total === 0) { go.setAttribute("aria-disabled", "true"); go.removeAttribute("href"); } else go.removeAttribute("aria-disabled");
      sum.textContent = busy ? "" : say("Sum", { n: number(total) });
      if (!busy && wanted.length && spoken !== String(finished)) { spoken = String(finished); live.textContent = say("Done"); }
      working = busy;
    };
    let working = false;

    addEventListener("beforeunload", (event) => { if (working) event.preventDefault(); });
    input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
    document.addEventListener("keydown", (event) => {
      if (event.key === "o" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input:not([type=file]), dialog")) input.click();
    });

    // Dropping works anywhere on the page, folders too.
    let depth = 0;
    const over = (on) => document.body.classList.toggle("over", on);
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth++; over(true); } });
    document.addEventListener("dragleave", (event) => { if (carriesFiles(event) && --depth <= 0) { depth = 0; over(false); } });
    document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
    document.addEventListener("drop", async (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const flat = [...event.dataTransfer.files];
      if (!entries.some((e) => e.isDirectory)) { add(flat); return; }
      const found = [];
      for (const entry of entries) await walk(entry, found);
      add(found);
    });
  };

  const walk = async (entry, found) => {
    if (entry.isFile) { found.push(await new Promise((ok, no) => entry.file(ok, no))); return; }
    const reader = entry.createReader(), inside = [];
    for (;;) {
      const some = await new Promise((ok, no) => reader.readEntries(ok, no));
      if (some.length === 0) break;
      inside.push(...some);
    }
    inside.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    for (const child of inside) if (!child.name.startsWith(".")) await walk(child, found);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("uploader");
    if (form) start(form);
  });
})();
