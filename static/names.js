// The page of names beyond its form: a preview of the names that a pattern gives, moving pictures by hand, and keys.
// The server does the naming and ordering itself; without this script every button works as one of the form.
(() => {
  const $ = (selector) => document.querySelector(selector), all = (selector) => [...document.querySelectorAll(selector)];
  const say = (key, values) => $("#naming").dataset["say" + key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const aloud = (sentence) => document.dispatchEvent(new CustomEvent("say", { detail: sentence }));
  const fields = () => all("#cards > li > input");

  // nameBy returns the same name as the server's Pattern.Name, for the preview.
  const nameBy = (pattern, number, own, values) => pattern.replace(/\{([^{}]*)\}/g, (whole, token) => {
    const counted = /^n(?::0?([1-9]))?$/.exec(token);
    if (counted) return String(number).padStart(Number(counted[1] ?? 0), "0");
    return token === "name" ? own : values[token] ?? whole;
  });
  const preview = () => {
    const line = $("#preview"), pattern = $("#pattern"), from = Number($("#from")?.value || 0), names = fields();
    if (!line || !pattern || names.length === 0) return;
    const whole = names.map((field, i) => [i, field]), some = whole.length > 4 ? [...whole.slice(0, 3), whole.at(-1)] : whole;
    const made = some.map(([i, field]) => nameBy(pattern.value, from + i, field.value, field.closest("li").dataset));
    const list = whole.length > 4 ? `${made.slice(0, 3).join(", ")} … ${made[3]}` : made.join(", ");
    line.textContent = pattern.value.trim() ? say("Gives", { list }) : "";
  };
  const hits = () => {
    const plain = (text) => text.normalize("NFC").replace(/\s+/g, " ").toLowerCase();
    const find = plain($("#find")?.value ?? ""), line = $("#hits");
    if (line) line.textContent = find ? say("Hits", { n: fields().filter((f) => plain(f.value).includes(find)).length }) : "";
  };

  // Moving: the picture goes at once, the server follows.
  const numbers = () => all("#cards > li .place").forEach((place, i) => { place.textContent = i + 1; });
  const store = async (card) => {
    numbers();
    const before = card.nextElementSibling?.dataset.n ?? 0;
    aloud(say("Moved", { n: [...card.parentElement.children].indexOf(card) + 1 }));
    const answer = await fetch(`${$("#cards").dataset.move}${card.dataset.n}/move?before=${before}`, { method: "POST", headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) location.reload(); // the page must show the stored order
    preview();
  };
  const step = (card, by) => {
    const other = by < 0 ? card.previousElementSibling : card.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(card); else other.after(card);
    store(card);
  };

  let dragged = null, from = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("#cards > li[data-n]");
    if (!dragged) return;
    from = dragged.nextElementSibling;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.querySelector("input").value);
    dragged.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const over = event.target.closest?.("#cards > li[data-n]");
    if (!over || over === dragged) return;
    if (dragged.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING) over.after(dragged); else over.before(dragged);
  });
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    if (dragged.nextElementSibling !== from) store(dragged);
    dragged = null;
  });

  document.addEventListener("click", (event) => {
    const token = event.target.closest("[data-token]"), move = event.target.closest("[data-step]");
    if (token) {
      const field = $("#pattern");
      field.setRangeText(token.dataset.token, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      preview();
    } else if (move) { // by hand, without asking for the page anew
      event.preventDefault();
      event.stopPropagation();
      step(move.closest("li"), Number(move.dataset.step));
      move.focus();
    }
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown") && event.target.closest?.("#cards > li[data-n]")) {
      event.preventDefault();
      step(event.target.closest("li"), event.key === "ArrowUp" ? -1 : 1);
      event.target.focus();
    }
    const button = event.key === "Enter" && { pattern: "#do-pattern", from: "#do-pattern", find: "#do-replace", with: "#do-replace" }[event.target.id];
    if (button) { event.preventDefault(); event.stopPropagation(); $(button).click(); }
  }, true);
  let typed = 0;
  document.addEventListener("input", (event) => {
    const line = { pattern: "#preview", from: "#preview", find: "#hits" }[event.target.id];
    if (!line) return;
    if (line === "#hits") hits(); else preview();
    clearTimeout(typed);
    typed = setTimeout(() => aloud($(line)?.textContent), 1000); // when the typing rests
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "sort" && event.target.value) $("#do-sort").click();
    else if (event.target.closest("#cards")) preview();
  });
  document.addEventListener("toggle", preview, true);
  // This part of the page is replaced after each act: open parts stay open, and when a picture is left out the next one
  // takes its place, for the keyboard too.
  let open = 0, left = -1;
  const tools = () => all(".naming > details");
  document.addEventListener("htmx:before:swap", () => {
    open = tools().findIndex((tool) => tool.open);
    const button = document.activeElement?.closest("#cards > li [formaction$='/out'], #cards > li [formaction$='/in']");
    left = button ? all("#cards > li").indexOf(button.closest("li")) : -1;
  });
  document.addEventListener("htmx:after:swap", () => {
    tools().forEach((tool, i) => { tool.open = i === open; });
    if (left >= 0 && document.activeElement === document.body) {
      const cards = all("#cards > li");
      cards[Math.min(left, cards.length - 1)]?.querySelector("[formaction$='/out'], [formaction$='/in']")?.focus({ preventScroll: true });
    }
    preview();
  });
  document.addEventListener("DOMContentLoaded", preview);
})();
