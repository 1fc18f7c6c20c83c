// Where files come from: the three pickers, dropping anywhere on the page, pasting. Each is handed on as
// {blob, name, folder}.
const JUNK = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i; // files that operating systems leave in folders
const MOST = 20_000; // entries of a dropped folder that are looked at

const parted = (blob) => {
  const path = (blob.webkitRelativePath || blob.name).split("/");
  return { blob, name: path.pop(), folder: path.join("/") };
};

const byPath = (a, b) => `${a.folder}/${a.name}`.localeCompare(`${b.folder}/${b.name}`, undefined, { numeric: true });

// walk collects the files of a dropped folder. The name of an entry that cannot be read is added to failed.
const walk = async (entry, folder, found, failed) => {
  if (found.length >= MOST) return;
  if (entry.isFile) {
    try { found.push({ blob: await new Promise((ok, no) => entry.file(ok, no)), name: entry.name, folder }); } catch { failed.push(entry.name); }
    return;
  }
  const reader = entry.createReader(), inside = [];
  try {
    for (let some; (some = await new Promise((ok, no) => reader.readEntries(ok, no))).length;) inside.push(...some);
  } catch { failed.push(entry.name); }
  for (const child of inside) if (!JUNK.test(child.name)) await walk(child, folder ? `${folder}/${entry.name}` : entry.name, found, failed);
};

// sources calls take(files) whenever files are added, and failed(name) for each entry that cannot be opened.
export const sources = (form, { take, failed, pasted }) => {
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => {
      const files = [...input.files].map(parted);
      take(input.webkitdirectory ? files.filter((f) => !`${f.folder}/${f.name}`.split("/").some((part) => JUNK.test(part))).sort(byPath) : files);
      input.value = "";
    });
  }
  const choose = form.querySelector("input[type=file]");
  form.querySelector(".drop").addEventListener("click", (event) => { if (!event.target.closest("label, button, input, a")) choose.click(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "o" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input:not([type=file], [type=checkbox]), textarea, dialog")) choose.click();
  });

  let depth = 0;
  const over = (on) => document.body.classList.toggle("page-dropping", on);
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth++; over(true); } });
  document.addEventListener("dragleave", (event) => { if (carriesFiles(event) && --depth <= 0) { depth = 0; over(false); } });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    // Both lists are empty once this event is over: they are taken now, and walked after.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const flat = [...event.dataTransfer.files].map(parted);
    if (!entries.some((e) => e.isDirectory)) { take(flat); return; }
    const found = [], broken = [];
    for (const entry of entries) await walk(entry, "", found, broken);
    take(found.sort(byPath));
    broken.forEach(failed);
  });

  document.addEventListener("paste", (event) => {
    const blobs = [...event.clipboardData?.files ?? []];
    if (blobs.length === 0) return;
    event.preventDefault();
    // A picture from the clipboard has no name of its own; the second in which it came is one.
    const at = new Date(), stamp = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, "0")).join("");
    take(blobs.map((blob, i) => ({
      blob, folder: "",
      name: /^image\.\w+$/.test(blob.name) ? `${pasted} ${stamp}${i ? `-${i + 1}` : ""}${blob.name.slice(5)}` : blob.name,
    })));
  });
};
