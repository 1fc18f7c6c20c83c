// The rows of the page of all rows: which there are, in their order, those that were loaded, and those in sight, which alone
// are in the page.
const gridRows = (frame, table, body, changed) => {
  const high = 34, beyond = 8, chunk = 200; // pixels of a row, as in css/sheet.css; rows drawn out of sight; rows asked for at once
  const url = table.dataset.url, lines = new Map(), asked = new Set();
  let order = [], places = new Map(), loads = 0, query = new URLSearchParams(), later = 0;

  const keyOf = (tr) => tr.id.slice(2).replace("-", ".");
  const space = () => {
    const tr = document.createElement("tr");
    tr.className = "space";
    tr.ariaHidden = "true";
    tr.append(document.createElement("td"));
    return tr;
  };
  const above = space(), below = space(), holes = new Map();
  const hole = (i) => {
    if (!holes.has(i)) { const tr = space(); tr.firstChild.style.height = `${high}px`; tr.classList.add("hole"); holes.set(i, tr); }
    return holes.get(i);
  };
  const parsed = (html) => [...new DOMParser().parseFromString(html, "text/html").querySelectorAll("tbody tr")].map((tr) => document.adoptNode(tr));

  // The reason of a doubt stands above the grid, so no tip covers the cells below.
  const plain = (tr) => { for (const cell of tr.querySelectorAll("[data-tip]")) delete cell.dataset.tip; };

  // keep puts a loaded row in the place of what stood for it; a row that somebody types in stays until the next time.
  const keep = (tr) => {
    plain(tr);
    const key = keyOf(tr), old = lines.get(key);
    if (old?.querySelector(".editor")) return;
    lines.set(key, tr);
    if (!old?.isConnected) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    tr.ariaRowIndex = old.ariaRowIndex;
    old.replaceWith(tr);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  // ensure loads the rows with these keys, all of them or those that are not here.
  const ensure = async (keys, anew = false) => {
    const missing = keys.filter((key) => key && (anew || !lines.has(key)));
    for (let from = 0; from < missing.length; from += chunk) {
      const part = missing.slice(from, from + chunk);
      const answer = await fetch(`${url}/lines?${new URLSearchParams({ rows: part.join(" ") })}`, { signal: AbortSignal.timeout(15000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const gone = new Set(part);
      for (const tr of parsed(await answer.text())) { gone.delete(keyOf(tr)); keep(tr); }
      for (const key of gone) lines.delete(key);
    }
    if (missing.length) draw();
  };

  const fetchShown = () => {
    clearTimeout(later);
    later = setTimeout(async () => {
      const [first, last] = sight(), keys = order.slice(Math.max(0, first - 10), last + 10).filter((key) => !lines.has(key) && !asked.has(key));
      if (!keys.length) return;
      for (const key of keys) asked.add(key);
      try { await ensure(keys); } catch { setTimeout(fetchShown, 2000); } finally { for (const key of keys) asked.delete(key); }
    }, 30);
  };
  const sight = () => {
    const first = Math.max(0, Math.floor(frame.scrollTop / high) - beyond);
    return [first, Math.min(order.length, first + Math.ceil(frame.clientHeight / high) + 2 * beyond)];
  };

  // draw puts the rows in sight into the page. Rows that stay are not touched, so that the focus stays.
  const draw = () => {
    const [first, last] = sight(), shown = [];
    let missing = false;
    for (let i = first; i < last; i++) {
      const tr = lines.get(order[i]) ?? hole(i);
      missing ||= !lines.has(order[i]);
      tr.ariaRowIndex = i + 2;
      shown.push(tr);
    }
    above.firstChild.style.height = `${first * high}px`;
    below.firstChild.style.height = `${(order.length - last) * high}px`;
    if (first > 0) shown.unshift(above);
    if (last < order.length) shown.push(below);
    const stays = new Set(shown);
    for (const tr of [...body.rows]) if (!stays.has(tr)) tr.remove();
    let next = body.firstChild;
    for (const tr of shown) {
      if (tr === next) next = next.nextSibling; else body.insertBefore(tr, next);
    }
    if (missing) fetchShown();
    changed();
  };

  // load asks which rows match the filters. Answers that were overtaken by a later question are dropped.
  const load = async (filters) => {
    const mine = ++loads;
    const answer = await fetch(`${url}/order?${filters}`, { signal: AbortSignal.timeout(15000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    if (mine !== loads) return null;
    query = filters;
    order = [];
    for (let i = 0; i < found.rows.length; i += 2) order.push(`${found.rows[i]}.${found.rows[i + 1]}`);
    places = new Map(order.map((key, i) => [key, i]));
    holes.clear();
    table.ariaRowCount = order.length + 1;
    draw();
    return found;
  };

  for (const tr of body.rows) { plain(tr); lines.set(keyOf(tr), tr); }
  let waits = false;
  frame.addEventListener("scroll", () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => { waits = false; draw(); });
  }, { passive: true });
  new ResizeObserver(() => { if (order.length) draw(); }).observe(frame);

  return {
    load, ensure, draw, keyOf,
    again: () => load(query),
    get size() { return order.length; },
    key: (i) => order[i],
    place: (key) => places.get(key) ?? -1,
    line: (i) => lines.get(order[i]),
    drop: (keys) => { for (const key of keys) if (!lines.get(key)?.isConnected) lines.delete(key); },
    // show scrolls so that a row is in sight, below the headings.
    show: (i) => {
      const top = i * high, head = table.tHead.offsetHeight, seen = frame.clientHeight - head;
      if (top < frame.scrollTop) frame.scrollTop = top;
      else if (top + high > frame.scrollTop + seen) frame.scrollTop = top + high - seen;
      draw();
    },
    page: () => Math.max(1, Math.floor((frame.clientHeight - table.tHead.offsetHeight) / high) - 1),
  };
};
