// Light, dark or as the system has it. The server draws a page as the cookie says, so that none flashes.
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const order = ["system", "light", "dark"];
  const get = () => root.dataset.theme ?? "system";
  const show = (theme) => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    button?.setAttribute("aria-label", button.dataset[theme]);
    if (button) button.title = button.dataset[theme];
  };
  const keep = (theme) => { document.cookie = `theme=${theme}; path=/; max-age=${theme === "system" ? 0 : 31536000}; samesite=lax`; };
  show(get());
  button?.addEventListener("click", () => {
    const next = order[(order.indexOf(get()) + 1) % order.length];
    keep(next);
    show(next);
  });
})();
