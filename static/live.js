// The page of a batch: filter, search and order of its rows, the window's title, a sentence now and then for screen readers,
// and a notification at the end if it was requested. Filter, search and order stay through every change of the batch.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (event) => event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey;
  const store = (where, key, value) => {
    try {
      if (value === undefined) return where.getItem(key);
      where.setItem(key, value);
    } catch { /* private mode: for this page only */ }
    return null;
  };

  // Which rows are shown, and in which order.
  const looks = (table) => {
    const body = table.tBodies[0], search = $("#q"), nothing = $("#nothing"), order = $("#order");
    const key = `look ${location.pathname}`;
    const look = { show: "all", words: "", by: "place", down: false, ...JSON.parse(store(sessionStorage, key) ?? "{}") };
    const rank = ["failed", "canceled", "retrying", "processing", "pending", "completed"];
    const place = (row) => Number(row.cells[0].textContent);
    const name = (row) => $(".c-name a", row).textContent;
    const number = (row, what) => Number(row.dataset[what] ?? -1);
    const compare = {
      place: (a, b) => place(a) - place(b),
      name: (a, b) => name(a).localeCompare(name(b), document.documentElement.lang, { numeric: true }),
      status: (a, b) => rank.findIndex((s) => a.classList.contains(`is-${s}`)) - rank.findIndex((s) => b.classList.contains(`is-${s}`)),
      took: (a, b) => number(a, "took") - number(b, "took"),
      doubts: (a, b) => number(b, "doubts") - number(a, "doubts"),
    };
    const sort = () => {
      const by = compare[look.by] ?? compare.place, way = look.down ? -1 : 1;
      const now = [...body.rows], want = now.toSorted((a, b) => way * by(a, b) || place(a) - place(b));
      if (!want.every((row, i) => row === now[i])) body.append(...want);
    };
    // Rows find their new places now and then, not under the hand.
    let sorted = 0, later = 0;
    const settle = () => {
      clearTimeout(later);
      const rest = 2000 - (Date.now() - sorted);
      if (rest > 0 || body.matches(":focus-within")) { later = setTimeout(settle, Math.max(rest, 500)); return; }
      sorted = Date.now();
      sort();
    };
    const plain = (text) => text.normalize("NFC").replace(/\s+/g, " ").toLowerCase();
    const sieve = () => {
      const words = plain(look.words).trim();
      for (const row of body.rows) {
        const out = words !== "" && !plain(row.cells[2].textContent).includes(words);
        if (out !== row.hasAttribute("data-out")) row.toggleAttribute("data-out", out);
      }
      seen();
    };
    const seen = () => {
      nothing.hidden = look.show === "all" && look.words === "" || [...body.rows].some((row) => row.offsetParent !== null);
    };
    const apply = () => {
      table.dataset.show = look.show;
      for (const b of all("#filters [data-filter]")) b.setAttribute("aria-pressed", String(b.dataset.filter === look.show));
      if (search.value !== look.words) search.value = look.words;
      order.value = look.by;
      for (const b of all("thead [data-sort]", table)) {
        const th = b.closest("th");
        if (b.dataset.sort === look.by) th.setAttribute("aria-sort", look.down ? "descending" : "ascending"); else th.removeAttribute("aria-sort");
      }
      sort();
      sieve();
      store(sessionStorage, key, JSON.stringify(look));
    };
    const change = (what) => { Object.assign(look, what); apply(); };
    document.addEventListener("click", ({ target }) => {
      const filter = target.closest("[data-filter]"), head = target.closest("#live [data-sort]");
      if (filter) change({ show: filter.dataset.filter });
      if (head) change({ by: head.dataset.sort, down: look.by === head.dataset.sort && !look.down });
    });
    order.addEventListener("change", () => change({ by: order.value, down: false }));
    search.addEventListener("input", () => change({ words: search.value }));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && event.target === search) { change({ words: "" }); search.blur(); return; }
      if (typing(event)) return;
      if (event.key === "/") { event.preventDefault(); search.focus(); } else if (event.key === "f") change({ show: "failed" }); else if (event.key === "a") change({ show: "all" });
    });
    const wanted = location.hash.slice(1);
    if (wanted && $(`#filters [data-filter="${CSS.escape(wanted)}"]`)) look.show = wanted;
    apply();
    return () => { // rows have changed
      if (look.by !== "place") settle();
      if (look.words !== "") sieve(); else seen();
    };
  };

  // The notification at the end, if a person requested it: a tone, a notice of the system where that is allowed, and in any
  // case the title.
  const bell = () => {
    const box = $("#tell");
    let audio = null;
    const wake = () => {
      if (!box.checked) return;
      audio ??= new AudioContext();
      if (audio.state === "suspended") audio.resume().catch(() => {});
    };
    box.checked = store(localStorage, "tell") === "yes";
    box.addEventListener("change", () => {
      store(localStorage, "tell", box.checked ? "yes" : "no");
      wake();
      if (box.checked && window.Notification?.permission === "default") Notification.requestPermission().catch(() => {});
    });
    for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, wake, { passive: true }); // browsers allow sound only after a click or a key
    const tone = () => {
      if (audio?.state !== "running") return;
      [523.25, 659.25, 783.99].forEach((hertz, i) => {
        const at = audio.currentTime + i * 0.16, voice = audio.createOscillator(), loudness = audio.createGain();
        voice.frequency.value = hertz;
        loudness.gain.setValueAtTime(0, at);
        loudness.gain.linearRampToValueAtTime(0.12, at + 0.02);
        loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
        voice.connect(loudness).connect(audio.destination);
        voice.start(at);
        voice.stop(at + 0.65);
      });
    };
    return (name, sentence) => {
      if (!box.checked) return;
      tone();
      if (window.Notification?.permission === "granted") {
        const notice = new Notification(name, { body: sentence, tag: location.pathname, icon: $("link[rel=icon]").href });
        notice.onclick = () => { window.focus(); notice.close(); };
      }
    };
  };

  document.addEventListener("DOMContentLoaded", () => {
    const table = $("#live"), feed = $("#feed"), say = $("#say");
    if (!table) return;
    const changed = looks(table), ring = bell();
    let said = 0, later = 0, ended = $("#progress").hasAttribute("data-final"), news = "", heard = "";
    // The progress is announced every ten seconds at most, and never interrupts the announcement of an act's result.
    const rest = () => {
      if (say.textContent !== heard) { heard = say.textContent; said = Date.now(); }
      return Math.max(0, 10000 - (Date.now() - said));
    };
    const speak = (sentence) => {
      later = 0;
      if (heard === sentence) return;
      said = Date.now();
      say.textContent = heard = sentence;
    };
    const speakLater = () => { const wait = rest(); if (wait) later = setTimeout(speakLater, wait); else speak($("#progress").dataset.say); };
    // follow applies the state in the head of the batch, from the live wire or from a request.
    const follow = (progress) => {
      const final = progress.hasAttribute("data-final"), sentence = progress.dataset.say;
      if (final && !ended) {
        ring($("h1").textContent, sentence);
        if (document.hidden) news = `✓ ${sentence} · `; // until somebody looks
      }
      if (final && !ended) { clearTimeout(later); speak(sentence); } else if (!final && !later) later = setTimeout(speakLater, rest());
      ended = final;
      document.title = news + progress.dataset.title;
    };
    document.addEventListener("htmx:after:swap", () => follow($("#progress")));
    document.addEventListener("wire:drawn", changed);
    // The mark of a change goes when its flash is over, so that the next change flashes again.
    table.addEventListener("animationend", (event) => { event.target.classList.remove("flash"); });
    // A hidden tab has no wire, since a browser has six connections for all its tabs. It requests the text of the title
    // instead.
    const glance = async () => {
      if (!document.hidden || ended) return;
      try {
        const answer = await fetch(feed.dataset.head, { headers: { "HX-Request": "true" } });
        if (!answer.ok) return;
        const parts = new DOMParser().parseFromString((await answer.text()).replaceAll("hx-partial", "div"), "text/html");
        if (document.hidden) follow($("#progress", parts));
      } catch { /* the server is away: the next glance, or the wire when somebody looks */ }
    };
    setInterval(glance, 5000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      news = "";
      document.title = $("#progress").dataset.title;
    });
  });
})();
