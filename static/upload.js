// The page on which pictures are added: the uploads in progress, their share and speed, and the refused files. The sources of
// files are in upload-sources.js, the sending in upload-queue.js, the reduction in shrink.js. Every text that is shown is in
// the form's attributes (views/start.templ).
import { Refusal, idOf, makeQueue, uploads } from "./upload-queue.js";
import { sources } from "./upload-sources.js";
import { shrinker } from "./shrink.js";

const WINDOW = 8; // seconds that the speed is taken over
const number = (n) => n.toLocaleString(document.documentElement.lang || "en");

const start = (form) => {
  const [b, kb, mb, gb] = form.dataset.sayUnits.split(" ");
  const size = (n) => n >= 1 << 30 ? `${number(Math.round(n / (1 << 30) * 100) / 100)} ${gb}` : n >= 1 << 20 ? `${number(Math.round(n / (1 << 20) * 10) / 10)} ${mb}` : n >= 1024 ? `${Math.round(n / 1024)} ${kb}` : `${n} ${b}`;
  const say = (key, values = {}) => form.dataset["say" + key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const find = (selector) => form.querySelector(selector);
  const maxImages = Number(form.dataset.maxImages), maxBytes = Number(form.dataset.maxBytes), maxPacked = Number(form.dataset.maxPacked);
  const most = (name) => /\.(pdf|zip)$/i.test(name) ? maxPacked : maxBytes; // the server looks into the file
  const cards = find("#cards"), blank = find("#card"), sending = find("#sending"), refused = find("#refused"), note = find("[data-note]");
  const onwards = document.getElementById("onwards"), go = onwards.querySelector("a"), sum = onwards.querySelector("p");
  const here = Number(form.dataset.here), wanted = new Set(), fresh = new Set();
  let address = form.dataset.batch, making = null, next = Number(form.dataset.next), known = null, twice = 0;
  let finished = 0, images = 0, original = 0, travelled = 0, painting = false, past = [];

  // The draft is made with the first picture, once.
  const batch = () => making ??= (async () => {
    if (address) return address;
    const answer = await fetch("/batches", { method: "POST", headers: { Accept: "application/json" } });
    const body = await answer.json().catch(() => ({}));
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 401) throw new Refusal(say("Start", { why: body.detail ?? answer.statusText }));
    if (!answer.ok) throw new Error(answer.statusText);
    address = body.url;
    history.replaceState(null, "", `${address}?step=pictures`);
    owing();
    return address;
  })().catch((fault) => { making = null; throw fault; });

  // This browser remembers files that were chosen and have not arrived: a draft that was left early says so (app.js).
  const owe = (change) => {
    if (!address) return;
    try {
      const store = `missing:${address}`, ids = new Set(JSON.parse(localStorage.getItem(store) ?? "[]"));
      change(ids);
      ids.size ? localStorage.setItem(store, JSON.stringify([...ids])) : localStorage.removeItem(store);
      document.dispatchEvent(new Event("owed"));
    } catch { /* no room: not remembered */ }
  };
  const owing = () => owe((ids) => { for (const file of wanted) if (file.state !== "done") ids.add(file.id); });

  // Large pictures are made smaller first, unless a person wants the originals sent.
  const shrink = shrinker(form.dataset.shrinker), lighter = find("#lighter");
  if (!shrink) lighter.closest("label").hidden = true;
  lighter.checked = localStorage.getItem("originals") !== "1";
  lighter.addEventListener("change", () => localStorage.setItem("originals", lighter.checked ? "0" : "1"));
  const body = async ({ blob }) => shrink && lighter.checked && await shrink(blob) || blob;

  const queue = makeQueue({
    batch, lighter: body, limit: maxBytes,
    say: (key, bytes) => say(key, { size: size(bytes), max: size(maxBytes) }),
    on: {
      moved: (file) => { fresh.add(file); paint(); },
      taken: (file, answer) => { done(file, answer); paint(); },
      refused: (file, why, again) => { wanted.delete(file); owe((ids) => ids.delete(file.id)); file.card.remove(); refuse(file.name, why, again && (() => { wanted.add(file); cards.append(file.card); again(); })); },
      change: () => paint(),
    },
  });

  const card = (file) => {
    const li = blank.content.firstElementChild.cloneNode(true);
    li.querySelector(".label").textContent = file.name.replace(/(.)\.[^.]*$/, "$1");
    file.under = li.querySelector(".under span");
    file.under.textContent = say("Queued");
    file.bar = li.querySelector("rect");
    file.card = li;
    return li;
  };

  const take = async (found) => {
    if (found.length === 0) return;
    known ??= address ? await uploads(address).catch(() => new Map()) : new Map();
    const fragment = document.createDocumentFragment(), files = [];
    let over = 0, again = 0;
    for (const { blob, name, folder } of found) {
      const file = { blob, name, folder, state: "queued", sent: 0, tries: 0, lost: 0, body: null, place: 0 };
      file.id = idOf(file);
      if (known.has(file.id)) { again++; owe((ids) => { if (!wanted.has(known.get(file.id))) ids.delete(file.id); }); continue; }
      if (blob.size === 0) { refuse(name, say("Empty")); continue; }
      if (blob.size > most(name) && !(shrink && lighter.checked && /^image\/(jpeg|png|webp)$/.test(blob.type))) { refuse(name, say("Big", { size: size(blob.size), max: size(most(name)) })); continue; }
      if (here + wanted.size >= maxImages) { over++; continue; }
      known.set(file.id, file);
      file.place = Math.min(next++, maxImages);
      wanted.add(file);
      files.push(file);
      fragment.append(card(file));
    }
    if (over) refuse(say("Rest", { n: number(over) }), say("Many", { max: number(maxImages) }));
    twice += again;
    cards.append(fragment);
    if (wanted.size || again) shorten();
    owing();
    queue.add(files);
    paint();
  };

  // shorten gives the room to the pictures.
  const shorten = () => {
    for (const rest of document.querySelectorAll("[data-rest]")) rest.hidden = true;
    document.querySelector("#feed")?.remove(); // the list of batches has gone, and pictures need the connections
    find(".drop").classList.add("short");
    find(".drop strong .desk-only").textContent = say("More");
    find(".drop strong .touch-only").textContent = say("MoreTouch");
    find("[data-choose]").classList.remove("primary");
  };

  const refuse = (name, why, again) => {
    const li = document.createElement("li"), b = document.createElement("b"), span = document.createElement("span");
    b.dir = span.dir = "auto";
    b.textContent = name;
    span.textContent = why;
    li.append(b, span);
    if (again) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: say("Retry") });
      button.addEventListener("click", () => { li.remove(); again(); count(); });
      li.append(button);
    }
    refused.querySelector("ul").append(li);
    count();
    paint();
  };
  const count = () => {
    const n = refused.querySelectorAll("li").length;
    refused.hidden = n === 0;
    refused.querySelector("[data-refused]").textContent = say("Refused", { n: number(n) });
  };

  // A document or an archive becomes several pictures; the others stand behind the first.
  const done = (file, answer) => {
    finished++;
    images += answer.images.length;
    original += file.blob.size;
    travelled += file.sent;
    known.set(file.id, answer);
    owe((ids) => ids.delete(file.id));
    fresh.delete(file);
    file.under.textContent = file.sent < file.blob.size ? say("Smaller", { sent: size(file.sent), all: size(file.blob.size) }) : size(file.sent);
    const [first, ...more] = answer.images;
    show(file.card, first);
    file.card.after(...more.map((image) => {
      const li = blank.content.firstElementChild.cloneNode(true);
      li.querySelector(".under span").textContent = image.filename;
      show(li, image);
      return li;
    }));
    for (const why of answer.refused) refuse(file.name, why);
  };

  const show = (li, image) => {
    li.querySelector("rect").ownerSVGElement.remove();
    li.querySelector(".shot").append(Object.assign(new Image(164, 123), { alt: "", loading: "lazy", decoding: "async", src: `${address}/images/${image.n}/thumb` }));
    li.querySelector(".label").textContent = image.name;
    for (const note of image.notes) li.append(Object.assign(document.createElement("span"), { className: "tag wrap", dir: "auto", textContent: note.message }));
  };

  const paint = () => {
    if (painting) return;
    painting = true;
    requestAnimationFrame(() => { painting = false; draw(); });
  };

  const said = { shrinking: "Shrinking", preparing: "Prepare", waiting: "Waiting" };
  const drawFile = (file) => {
    if (!file.bar.isConnected) return;
    const share = file.body ? file.sent / file.body.size : 0;
    file.bar.setAttribute("width", `${(share * 100).toFixed(1)}%`);
    file.under.textContent = said[file.state] ? say(said[file.state]) : say("Bytes", { sent: size(file.sent), all: size(file.body?.size ?? file.blob.size) });
  };

  let furthest = 0, spoken = "", working = false;
  const draw = () => {
    for (const file of fresh) drawFile(file);
    fresh.clear();
    // A file counts by its size on the disk, so that the bar does not jump when a file is made smaller before it is sent.
    let all = 0, through = 0, moved = travelled;
    for (const file of wanted) {
      all += file.blob.size;
      if (file.state === "done") through += file.blob.size;
      else if (file.body) { through += file.blob.size * file.sent / file.body.size; moved += file.sent; }
    }
    const busy = finished < wanted.size, share = all ? through / all : 0;
    furthest = busy ? Math.max(furthest, share) : share;
    sending.hidden = wanted.size === 0 && twice === 0;
    find("[data-done]").textContent = number(finished);
    find("[data-of]").textContent = say("Of", { all: number(wanted.size) });
    find("[data-bytes]").textContent = busy ? pace(moved, all - through, through, busy) : finished ? say(original > travelled ? "Saved" : "Sent", { sent: size(travelled), all: size(original) }) : "";
    note.textContent = [
      !busy ? wanted.size ? say("Done") : "" : queue.lost ? say("Lost") : queue.paused ? say(queue.running ? "Pausing" : "Paused") : say("Busy"),
      twice ? say("Twice", { n: number(twice) }) : "",
    ].join(" ");
    const pause = find("[data-pause]");
    pause.hidden = !busy;
    pause.textContent = say(queue.paused ? "Resume" : "Pause");
    const bar = find("[data-bar]");
    bar.setAttribute("width", `${(furthest * 100).toFixed(2)}%`);
    bar.setAttribute("class", !busy ? "completed" : queue.lost ? "retrying" : "processing");
    const total = here + images;
    onwards.hidden = wanted.size === 0 && here === 0;
    go.textContent = busy ? say("Wait", { done: number(finished), all: number(wanted.size) }) : say("Name");
    if (busy || total === 0) { go.setAttribute("aria-disabled", "true"); go.removeAttribute("href"); } else { go.href = `${address}?step=names`; go.removeAttribute("aria-disabled"); }
    sum.textContent = busy || total === 0 ? "" : say("Sum", { n: number(total) });
    const news = queue.lost ? say("Lost") : busy ? "" : [wanted.size ? say("Done") : "", refused.hidden ? "" : find("[data-refused]").textContent].join(" ").trim();
    if (news && news !== spoken) document.dispatchEvent(new CustomEvent("say", { detail: news }));
    if (news || busy && !queue.lost) spoken = news;
    if (busy !== working) { working = busy; furthest = busy ? 0 : furthest; past = []; }
  };

  // pace is how much went through, how fast, and how long the rest takes at that.
  const pace = (moved, left, through) => {
    const now = performance.now() / 1000;
    past.push({ now, moved, through });
    while (past.length > 2 && now - past[0].now > WINDOW) past.shift();
    const took = now - past[0].now, parts = [say("Moved", { sent: size(moved) })];
    if (took > 2 && !queue.paused && !queue.lost) {
      parts.push(say("Speed", { speed: size(Math.max(0, moved - past[0].moved) / took) }));
      const rate = (through - past[0].through) / took, seconds = rate > 0 ? left / rate : 0;
      if (seconds) parts.push(seconds < 60 ? say("Soon") : say("Left", { n: number(Math.ceil(seconds / 60)) }));
    }
    return parts.join(" · ");
  };

  find("[data-pause]").addEventListener("click", () => { queue.pause(!queue.paused); past = []; paint(); });
  addEventListener("beforeunload", (event) => { if (working) event.preventDefault(); });
  sources(form, { take, failed: (name) => refuse(name, say("Unopened")), pasted: say("Pasted") });
};

const form = document.getElementById("uploader");
if (form) start(form);
