// Changes of cells on their way to the server: in groups, one after the other, kept in the browser until each is acknowledged,
// and taken back or done again as a whole.
const gridSend = (url, settled) => {
  const $ = (selector) => document.querySelector(selector), store = `edits:${location.pathname}`;
  const say = (sentence) => document.dispatchEvent(new CustomEvent("say", { detail: sentence }));
  let outbox = [], busy = false, again = 0, idle = [];
  const done = [], undone = [];
  try { outbox = JSON.parse(localStorage.getItem(store) ?? "[]").filter((e) => e.group); } catch { outbox = []; }
  const keep = () => { try { outbox.length ? localStorage.setItem(store, JSON.stringify(outbox)) : localStorage.removeItem(store); } catch { /* no room: still in memory */ } };
  const state = (what, extra = "") => {
    const saved = $("#saved");
    if (saved) { saved.textContent = `${saved.dataset[what]} ${extra}`.trim(); saved.dataset.state = what; }
  };
  const buttons = () => { const undo = $("#fx-undo"); if (undo) undo.disabled = !done.length; };
  const pump = async () => {
    if (busy || !outbox.length) return;
    busy = true;
    clearTimeout(again);
    const sent = outbox[0];
    const { group, edits, undo } = sent;
    try {
      const answer = await fetch(`${url}/edits`, {
        method: "POST", headers: { "Content-Type": "application/json", "HX-Request": "true" }, body: JSON.stringify({ group, edits, undo }), signal: AbortSignal.timeout(60000),
      });
      if (answer.status >= 500 || answer.status === 401 || answer.status === 429) throw new Error(String(answer.status));
      const said = answer.ok ? await answer.json() : { problem: $("#saved")?.dataset.refused ?? "", refused: [] };
      outbox.shift();
      keep();
      busy = false;
      if (said.problem) { state("refused", said.problem); say(said.problem); }
      else { state(outbox.length ? "saving" : "saved"); say(said.said); }
      await settled(sent, said, outbox.length);
      if (!outbox.length) for (const go of idle.splice(0)) go();
      pump();
    } catch {
      busy = false;
      state("waits");
      say($("#saved")?.dataset.waits);
      again = setTimeout(pump, 3000);
    }
  };
  // Other pages send what is left over, by its address (static/app.js).
  const push = (request) => {
    outbox.push({ url: `${url}/edits`, token: crypto.randomUUID?.() ?? group(), ...request });
    keep();
    state("saving");
    buttons();
    pump();
  };
  const group = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
  addEventListener("online", pump);
  addEventListener("beforeunload", (event) => { if (outbox.length) event.preventDefault(); });
  pump();

  return {
    // edit sends edits as one group; changes are what they do to cells, for the repetition of a group that was taken back.
    edit: (edits, changes, repeats = false) => {
      if (!edits.length) return;
      const request = { group: group(), edits };
      done.push({ group: request.group, edits, changes });
      if (!repeats) undone.length = 0;
      push(request);
    },
    undo: () => {
      const last = done.pop();
      if (!last) return null;
      if (last.changes) undone.push(last); else undone.length = 0;
      push({ group: last.group, undo: true });
      return last;
    },
    redo: () => undone.pop() ?? null,
    // settles is when nothing is on its way any more.
    settles: () => (outbox.length ? new Promise((resolve) => idle.push(resolve)) : Promise.resolve()),
    get waiting() { return outbox.length; },
  };
};
