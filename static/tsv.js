// Cells as text for the clipboard, as spreadsheets write and read them: tabs between cells, lines between rows, and quotes
// around a cell with one of these.
const tsv = {
  write: (rows) => rows.map((row) => row.map((text) => (/["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join("\t")).join("\r\n"),

  read: (text) => {
    const rows = [[]];
    let i = 0;
    const until = (ends) => { const from = i; while (i < text.length && !ends.includes(text[i])) i++; return text.slice(from, i); };
    const quoted = () => {
      let cell = "";
      for (i++; i < text.length; i++) {
        if (text[i] !== '"') cell += text[i];
        else if (text[i + 1] === '"') { cell += '"'; i++; }
        else { i++; return cell + until("\t\r\n"); }
      }
      return null;
    };
    while (i <= text.length) {
      const begun = i;
      let cell = text[i] === '"' ? quoted() : until("\t\r\n");
      if (cell === null) { i = begun; cell = until("\t\r\n"); } // the quote has no end, so it is a character
      rows.at(-1).push(cell);
      if (i >= text.length) break;
      if (text[i] === "\t") { i++; continue; }
      i += text.startsWith("\r\n", i) ? 2 : 1;
      if (i >= text.length) break; // the end of the last line
      rows.push([]);
    }
    return rows;
  },
};
