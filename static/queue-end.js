// The end of the queue of doubts: its keys, and a look whether pictures that are still read bring more.
const queueEnd = () => {
  const end = document.querySelector("main.finish .done");
  if (!end) return;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") location.assign(end.dataset.leave);
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); document.querySelector("#undo")?.click(); }
  });
  if ("reading" in end.dataset) setInterval(async () => {
    const answer = await fetch(`${location.pathname}/doubts`).catch(() => null);
    if (!answer?.ok) return;
    const now = await answer.json();
    if (now.total > 0 || now.reading === 0) location.reload();
  }, 4000);
};
