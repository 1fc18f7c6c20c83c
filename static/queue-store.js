// Pictures and rows of the queue of doubts, by image: loaded once, and the oldest dropped.
const queueStore = (batch, address) => {
  const pictures = new Map(), tables = new Map();
  const keep = (map, most) => { while (map.size > most) map.delete(map.keys().next().value); };
  const picture = (n) => {
    let p = pictures.get(n);
    if (!p) {
      const img = new Image();
      p = { img, state: "coming" };
      img.src = `${batch}/images/${n}/picture`;
      p.ready = img.decode().then(() => { p.state = "here"; }, () => { p.state = "broken"; });
    }
    pictures.delete(n);
    pictures.set(n, p); // the newest last
    keep(pictures, 12);
    return p;
  };
  const rowsOf = (n) => {
    let t = tables.get(n);
    if (!t) {
      t = { element: null };
      t.ready = fetch(`${address}/rows/${n}`).then(async (answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        t.element = document.adoptNode(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("table"));
      }).catch(() => { tables.delete(n); });
    }
    tables.delete(n);
    tables.set(n, t);
    keep(tables, 40);
    return t;
  };
  return { pictures, tables, picture, rowsOf };
};
