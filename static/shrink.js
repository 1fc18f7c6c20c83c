// Makes pictures smaller before they travel, in a few workers.
const PATIENCE = 60_000; // ms for one picture; then it travels as it is

// shrinker returns a function from a picture to a smaller one, or to null where it should travel as it is; null in a
// browser that cannot do that.
export const shrinker = (address) => {
  if (!globalThis.Worker || !globalThis.OffscreenCanvas || !globalThis.createImageBitmap) return null;
  const most = Math.min(3, Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1)), idle = [], queue = [];
  let made = 0, n = 0;

  const next = () => {
    while (queue.length && (idle.length || made < most)) {
      const worker = idle.pop() ?? (made++, new Worker(address));
      run(worker, queue.shift());
    }
  };
  const run = (worker, { blob, done }) => {
    const own = n++;
    const finish = (smaller, dead) => {
      clearTimeout(timer);
      worker.onmessage = worker.onerror = null;
      if (dead) { worker.terminate(); made--; } else idle.push(worker);
      done(smaller);
      next();
    };
    const timer = setTimeout(() => finish(null, true), PATIENCE);
    worker.onmessage = ({ data }) => { if (data.n === own) finish(data.smaller, false); };
    worker.onerror = () => finish(null, true);
    worker.postMessage({ n: own, blob });
  };
  return (blob) => new Promise((done) => { queue.push({ blob, done }); next(); });
};
