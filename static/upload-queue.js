// Files on their way: each goes by itself, a few at a time, under an id that follows from the file, so that sending it
// again after a fault, or dropping the same folder once more, never makes it twice. It knows no page; upload.js shows it.
const ATONCE = 4;
const PAUSES = [1, 2, 4, 5]; // seconds between questions while nothing answers
const STALL = 60_000, PREPARE = 180_000; // ms without a byte moving, and for the server to prepare a file that has arrived
const AGAIN = 5; // tries that the server answers with a fault of its own, before a person is asked

// Refusal is an answer that trying again does not change.
class Refusal extends Error {
  constructor(message, again = false) {
    super(message);
    this.again = again; // a person may ask once more
  }
}

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// idOf is the same for the same file: 128 bits of a hash (cyrb128) over its path, size and time.
export const idOf = (file) => {
  let a = 1779033703, b = 3144134277, c = 1013904242, d = 2773480762;
  for (const ch of `${file.folder}/${file.name}|${file.blob.size}|${file.blob.lastModified}`) {
    const k = ch.codePointAt(0);
    a = b ^ Math.imul(a ^ k, 597399067);
    b = c ^ Math.imul(b ^ k, 2869860233);
    c = d ^ Math.imul(c ^ k, 951274213);
    d = a ^ Math.imul(d ^ k, 2716044179);
  }
  return [a, b, c, d].map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
};

// dateOf is the time of a file with the offset of this place, as RFC 3339 has it.
const dateOf = (blob) => {
  const at = new Date(blob.lastModified), two = (n) => String(n).padStart(2, "0"), off = -at.getTimezoneOffset();
  return new Date(at.getTime() + off * 60_000).toISOString().slice(0, 19) +
    `${off < 0 ? "-" : "+"}${two(Math.floor(Math.abs(off) / 60))}:${two(Math.abs(off) % 60)}`;
};

// uploads requests the files that a draft holds already: a map from the ids to their results. Throws when the server gives
// no answer.
export const uploads = async (batch) => {
  const answer = await fetch(`${batch}/uploads`, { headers: { Accept: "application/json" } });
  if (answer.status === 404) return new Map(); // the draft is gone; sending says so
  if (!answer.ok) throw new Error(answer.statusText);
  return new Map((await answer.json()).map((u) => [u.id, u]));
};

// legible is whether a file can still be read: browsers send none that was changed, moved or deleted since it was chosen,
// and tell that apart from a broken connection in no other way.
const legible = (body) => !body || body.slice(0, 1).arrayBuffer().then(() => true, () => false);

// makeQueue sends files. ports: batch() yields the address of the draft; lighter(file) the body to send; limit is the
// largest one in bytes; say(key, values) the words; on.moved, on.taken and on.refused hear of a file; on.change of all.
export const makeQueue = ({ batch, lighter, limit, say, on }) => {
  const waiting = [];
  let running = 0, paused = false, gone = null;

  const pump = () => {
    while (running < ATONCE && !paused && waiting.length) {
      running++;
      send(waiting.shift()).finally(() => { running--; on.change(); pump(); });
    }
  };

  const move = (file, state) => { file.state = state; on.moved(file); };

  const send = async (file) => {
    for (;;) {
      try {
        const address = await batch();
        if (!file.body) {
          move(file, "shrinking");
          file.body = await lighter(file);
          if (file.body.size > limit) throw new Refusal(say("Big", file.body.size));
        }
        taken(file, await put(file, address));
        return;
      } catch (fault) {
        file.sent = 0;
        if (fault instanceof Refusal) { refuse(file, fault); return; }
        if (!fault.busy && !await legible(file.body)) { refuse(file, new Refusal(say("Changed"))); return; }
        move(file, "waiting");
        const there = await back(fault.busy ? PAUSES[Math.min(file.tries++, PAUSES.length - 1)] : file.lost++ ? PAUSES[0] : 0);
        if (there.has(file.id)) { taken(file, there.get(file.id)); return; } // it had arrived; only the answer was lost
      }
    }
  };

  const taken = (file, answer) => {
    file.sent = file.body.size;
    file.body = null; // not needed any more, and 500 of them are much
    file.state = "done";
    on.taken(file, answer);
  };

  const refuse = (file, fault) => {
    file.body = null;
    file.state = "refused";
    on.refused(file, fault.message, fault.again && (() => { file.state = "queued"; file.tries = 0; waiting.push(file); on.change(); pump(); }));
  };

  // back waits until the server answers, and returns the files that it holds. All waiting files share one request, but each
  // needs one that was sent after its own fault: an earlier answer may not know yet that its file had arrived.
  const back = async (first) => {
    const since = performance.now();
    for (;;) {
      const { at, there } = await (gone ??= ask(first));
      if (at >= since) return there;
    }
  };
  const ask = async (first) => {
    try {
      await sleep(first);
      for (let i = 0; ; i++) {
        const at = performance.now();
        try { return { at, there: await uploads(await batch()) }; } catch { on.change(); }
        await sleep(PAUSES[Math.min(i, PAUSES.length - 1)]);
      }
    } finally { gone = null; on.change(); }
  };

  const put = (file, address) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ position: file.place, filename: file.name, folder: file.folder, dated: dateOf(file.blob) });
    request.open("PUT", `${address}/images/${file.id}?${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    let watch = setTimeout(() => request.abort(), STALL);
    request.upload.onprogress = (event) => {
      const all = event.loaded >= event.total;
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), all ? PREPARE : STALL);
      file.sent = Math.min(event.loaded, file.body.size);
      move(file, all ? "preparing" : "sending");
    };
    request.onloadend = () => {
      clearTimeout(watch);
      const { status } = request, why = request.response?.detail ?? `${status} ${request.statusText}`;
      if (status >= 200 && status < 300) resolve(request.response ?? {});
      else if (status === 0 || [401, 408, 425, 502, 504].includes(status)) reject(new Error("no answer"));
      else if (status === 429 || status >= 500) reject(file.tries < AGAIN ? Object.assign(new Error(why), { busy: true }) : new Refusal(why, true));
      else reject(new Refusal(why));
    };
    move(file, "sending");
    request.send(file.body);
  });

  return {
    add(files) { waiting.push(...files); pump(); },
    pause(yes) { paused = yes; pump(); },
    get paused() { return paused; },
    get running() { return running; },
    get lost() { return gone !== null; },
  };
};

export { Refusal };
