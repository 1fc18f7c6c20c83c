// Light, dark or as the system has it. Loaded in the head, before anything is drawn, so that no page flashes.
(() => {
  const root = document.documentElement;
  const order = ["system", "light", "dark"];
  const get = () => { try { return localStorage.getItem("theme") || "system"; } catch { return "system"; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private mode: for this page only */ } };
  const show = (theme) => {
    if (theme === "system") root.removeAttribute("data-theme"); else root.setAttribute("data-theme", theme);
    const button = document.getElementById("theme");
    if (!button) return;
    button.setAttribute("aria-label", button.dataset[theme]);
    button.title = button.dataset[theme];
  };
  root.classList.add("js");
  show(get());
  document.addEventListener("DOMContentLoaded", () => {
    show(get());
    document.getElementById("theme")?.addEventListener("click", () => {
      const next = order[(order.indexOf(get()) + 1) % order.length];
      keep(next);
      show(next);
    });
  });
})();
