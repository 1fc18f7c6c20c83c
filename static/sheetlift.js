// The client of Sheetlift's API, an ES module without dependencies for browsers and Node 18 or later. sheetlift.d.ts describes
// every function and field; docs/api.md shows how to use it.

const FINAL = ["completed", "failed", "canceled"];
const API = "api/v1/batches";
const UPLOADS = 3; // files sent at once
const FETCHES = 4; // images fetched at once
const SILENCE = 45000; // ms without a byte, three heartbeats, after which a stream counts as broken
const FIRST = 10000; // ms until the first event; a proxy that buffers never delivers it
const POLL = 2000; // ms between two polls
const STREAM_AGAIN = 15; // polls before a broken stream is tried again

const jobs = new Map(); // by id, in order of creation

/** An answer of the server that is an error, or a server that cannot be reached. */
export class SheetliftError extends Error {
  constructor(message, { status = 0, code = "", location = "", retryAfter = 0, requestId = "", cause } = {}) {
    super(message, { cause });
    this.name = "SheetliftError";
    this.status = status;
    this.code = code;
    this.location = location;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
}

function debug(step, details = {}) {
  let on = false;
  try {
    on = globalThis.localStorage?.getItem("debug") === "true";
  } catch {
    // a page without access to its storage
  }
  if (on) console.debug("[sheetlift]", step, details);
}

// rest waits for ms, or until the signal is aborted.
function rest(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener("abort", done);
  });
}

// randomName is not crypto.randomUUID, which plain http pages of other hosts lack.
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// each calls work on every item, at most `limit` at once.
async function each(items, limit, work) {
  const left = [...items.entries()];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) await work(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: Math.min(limit, left.length) }, worker));
}

// transient reports whether the same request may succeed later. A full disk (507) needs a person.
function transient(error) {
  return error.status === 0 || error.status === 408 || error.status === 429 || (error.status >= 500 && error.status !== 507);
}

// Connection sends requests to one server.
class Connection {
  constructor({ baseURL, token, patience = 600000 } = {}) {
    const here = import.meta.url.startsWith("http") ? new URL("../", import.meta.url).href : undefined;
    if (!(baseURL ?? here)) throw new TypeError("Name the server with the option baseURL, such as http://127.0.0.1:8080.");
    this.base = String(baseURL ?? here).replace(/\/*$/, "/");
    this.token = token;
    this.patience = patience;
  }

  // open returns a response with a status below 400.
  async open(method, path, { body, headers = {}, signal } = {}) {
    const all = { Accept: "application/json", ...headers };
    const token = typeof this.token === "function" ? await this.token() : this.token;
    if (token) all.Authorization = `Bearer ${token}`;
    debug("request", { method, path });
    let response;
    try {
      response = await fetch(this.base + path, { method, body, headers: all, signal, cache: "no-store" });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new SheetliftError(`${this.base} cannot be reached. Check the address, and that the server names this origin.`, { cause });
    }
    debug("response", { method, path, status: response.status });
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw new SheetliftError(problem.detail ?? `The server answered with status ${response.status}.`, {
      status: response.status,
      code: problem.code,
      location: problem.location,
      retryAfter: Number(response.headers.get("Retry-After") ?? 0),
      requestId: response.headers.get("X-Request-Id") ?? "",
    });
  }

  // send repeats a request until it is answered. Every request of the API may be repeated.
  async send(method, path, options = {}) {
    const until = Date.now() + this.patience;
    for (let pause = 250; ; pause = Math.min(pause * 2, 10000)) {
      try {
        const response = await this.open(method, path, options);
        return response.status === 204 ? undefined : await response.json();
      } catch (cause) {
        if (options.signal?.aborted) throw cause;
        const error = cause instanceof SheetliftError ? cause : new SheetliftError("The connection was lost.", { cause });
        const wait = Math.max(pause * (0.5 + Math.random() / 2), error.retryAfter * 1000);
        if (!transient(error) || Date.now() + wait > until) throw error;
        debug("again", { method, path, wait, status: error.status });
        await rest(wait, options.signal);
      }
    }
  }
}

// events yields the data of the server-sent events of a response, "" for an event without data such as a heartbeat.
async function* events(response, alive) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks(response.body)) {
    alive();
    text += decoder.decode(chunk, { stream: true });
    const whole = text.split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const lines = event.split("\n");
      if (lines.some((line) => line.startsWith("event:"))) continue; // a heartbeat
      yield lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).filter(Boolean);
    }
  }
}

// chunks yields the bytes of a stream; not every browser iterates over streams itself.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Watcher keeps one job up to date until its batch has a final status.
class Watcher {
  constructor(job, connection, callbacks) {
    this.job = job;
    this.connection = connection;
    this.callbacks = callbacks;
    this.images = new Map(); // by number, in the batch's order: {info, key, whole, loaded, result}
    this.expected = job.totalImages; // until the batch tells its own number
    this.refused = []; // results of files that the server did not accept
    this.stop = new AbortController();
  }

  get path() {
    return `${API}/${this.job.id}`;
  }

  // follow resolves once the job has ended, and never rejects.
  async follow() {
    try {
      await this.toTheEnd();
      this.tell("onComplete");
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.fail(error);
    }
  }

  fail(error) {
    debug("failed", { id: this.job.id, error: error.message });
    this.job.status = "failed";
    this.job.errorMessage = error.message;
    this.call("onError", error, this.job);
  }

  tell(name) {
    debug(name, { id: this.job.id, status: this.job.status, progress: this.job.progress });
    this.call(name, this.job);
  }

  // call keeps an exception of a callback from ending the job.
  call(name, ...values) {
    try {
      this.callbacks[name]?.(...values);
    } catch (error) {
      console.error(`[sheetlift] ${name} threw`, error);
    }
  }

  async toTheEnd() {
    let lost = 0; // since when the server does not answer; 0 while it does
    let broken = 0; // streams in a row that ended without an event
    for (let polls = 0; ; polls++) {
      if (broken < 2 || polls % STREAM_AGAIN === 0) {
        const got = await this.stream().catch((error) => {
          if (this.stop.signal.aborted || (error instanceof SheetliftError && !transient(error))) throw error;
          debug("stream lost", { id: this.job.id, error: error.message });
          return false;
        });
        broken = got ? 0 : broken + 1;
      }
      if (await this.ended()) return;
      try {
        await this.poll();
        lost = 0;
      } catch (error) {
        if (this.stop.signal.aborted || !transient(error)) throw error;
        lost ||= Date.now();
        if (Date.now() - lost > this.connection.patience) throw error;
      }
      if (await this.ended()) return;
      await rest(POLL, this.stop.signal);
      this.stop.signal.throwIfAborted();
    }
  }

  // stream follows the server's events until they end or the batch does. It reports whether there was one.
  async stream() {
    const silence = new AbortController();
    const signal = AbortSignal.any?.([silence.signal, this.stop.signal]) ?? silence.signal;
    let timer = setTimeout(() => silence.abort(), FIRST);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
    };
    let got = false;
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await this.connection.open("GET", `${this.path}/events`, { headers, signal });
      debug("stream open", { id: this.job.id });
      for await (const lines of events(response, alive)) {
        this.stop.signal.throwIfAborted();
        got = true;
        const update = lines.map((line) => JSON.parse(line));
        if (update.some((one) => one.gone)) throw new SheetliftError("The batch was deleted.", { status: 404 });
        await this.take(update.find((one) => one.batch)?.batch, update.filter((one) => one.image).map((one) => one.image));
        if (await this.ended()) break;
      }
    } catch (error) {
      if (!got || this.stop.signal.aborted || error.status === 404) throw error;
      debug("stream lost", { id: this.job.id, error: error.message });
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
    return got;
  }

  async poll() {
    debug("poll", { id: this.job.id });
    const options = { signal: this.stop.signal };
    const read = async (path) => (await this.connection.open("GET", path, options)).json();
    const batch = await read(this.path);
    const { images } = await read(`${this.path}/images`);
    await this.take(batch, images);
  }

  // take stores the newest state; batch may be missing.
  async take(batch, images) {
    for (const info of images) {
      const there = this.images.get(info.n);
      const key = [info.status, info.tries, info.rows, info.failure].join("|");
      if (there?.key !== key) this.images.set(info.n, withResult({ ...there, info, key }));
    }
    if (batch) this.batch = batch;
    this.show();
    this.load();
  }

  // load fetches the images that have ended since they were fetched; one run at a time.
  load() {
    if (this.loading) return;
    const due = () => [...this.images.values()].filter((one) => FINAL.includes(one.info.status) && one.loaded !== one.key);
    if (due().length === 0) return;
    this.loading = (async () => {
      for (let list = due(); list.length > 0; list = due()) await each(list, FETCHES, (one) => this.loadOne(one));
    })();
    this.loading.catch(() => {}).finally(() => {
      this.loading = undefined;
    });
  }

  async loadOne({ info, key }) {
    const whole = await this.connection.send("GET", `${this.path}/images/${info.n}`, { signal: this.stop.signal });
    this.images.set(info.n, withResult({ ...this.images.get(info.n), whole, loaded: key }));
    this.show();
  }

  // ended reports whether the batch has a final status; the job gets it together with the last result.
  async ended() {
    if (!this.batch || !FINAL.includes(this.batch.status)) return false;
    for (this.load(); this.loading; this.load()) await this.loading;
    if (this.images.size < this.batch.images || !FINAL.includes(this.batch.status)) return false;
    this.final = true;
    this.show();
    return true;
  }

  // show renews the fields of the job and reports a change.
  show() {
    const { job, batch } = this;
    const images = [...this.images.values()];
    job.results = [...images.map((one) => one.result), ...this.refused];
    job.totalImages = batch ? Math.max(batch.images, images.length) + this.refused.length : this.expected;
    job.completedImages = job.results.filter((one) => one.status === "completed").length;
    job.failedImages = job.results.filter((one) => one.status === "failed").length;
    const done = job.results.filter((one) => FINAL.includes(one.status)).length;
    job.progress = job.totalImages ? Math.floor((done * 1000) / job.totalImages) / 10 : 0;
    if (batch && (this.final || !FINAL.includes(batch.status))) job.status = batch.status === "draft" ? "pending" : batch.status;
    const state = [job.status, job.totalImages, this.refused.length, ...images.map((one) => `${one.key}/${one.loaded}`)].join();
    if (state !== this.shown) {
      this.shown = state;
      this.tell("onProgress");
    }
  }
}

function withResult(image) {
  return { ...image, result: resultOf(image) };
}

function resultOf({ info, whole }) {
  const attempts = whole?.attempts ?? [];
  const seconds = attempts.reduce((sum, one) => sum + (one.ended ? Date.parse(one.ended) - Date.parse(one.started) : 0), 0) / 1000;
  return {
    number: info.n,
    name: info.name,
    filename: info.filename,
    status: info.status,
    extractedText: whole?.text ?? "",
    tableData: (whole?.read ?? []).map((row) => row.cells),
    errorMessage: info.failure ?? null,
    processingTime: Math.round(seconds * 1000) / 1000,
    retryCount: Math.max(0, info.tries - 1),
    apiKeyUsed: attempts.at(-1)?.key ?? null,
  };
}

function refusedResult(filename, name, message) {
  return {
    number: 0, name, filename, status: "failed", extractedText: "", tableData: [], errorMessage: message,
    processingTime: 0, retryCount: 0, apiKeyUsed: null,
  };
}

// upload sends the files to the draft. A file that is refused becomes a failed result; the others go on.
async function upload(watcher, files, names) {
  const run = randomName();
  const { signal } = watcher.stop;
  await each(files, UPLOADS, async (file, index) => {
    const filename = file.name ?? `image-${index + 1}`;
    const name = names?.[index] ?? "";
    const query = new URLSearchParams({ filename, position: index + 1 });
    if (name) query.set("name", name);
    const body = file instanceof Blob ? file : file.data;
    debug("upload", { id: watcher.job.id, filename, index });
    try {
      const taken = await watcher.connection.send("PUT", `${watcher.path}/images/${run}-${index + 1}?${query}`, { body, signal });
      for (const reason of taken.refused) watcher.refused.push(refusedResult(filename, name, reason));
    } catch (error) {
      if (signal.aborted || ![413, 415, 422].includes(error.status)) throw error;
      watcher.refused.push(refusedResult(filename, name, error.message));
    }
    watcher.show();
  });
}

// fill uploads the files and starts the batch. Images get their numbers in order of arrival; the server orders them by position.
async function fill(watcher, files, names) {
  await upload(watcher, files, names);
  if (watcher.refused.length === files.length) {
    await watcher.connection.send("DELETE", watcher.path).catch(() => {});
    throw new SheetliftError(`None of the ${files.length} files can be used. ${watcher.refused[0].errorMessage}`, { status: 422 });
  }
  watcher.stop.signal.throwIfAborted();
  await watcher.connection.send("POST", `${watcher.path}/start`, { body: "{}", signal: watcher.stop.signal });
  watcher.started = true;
  debug("started", { id: watcher.job.id });
}

/** Creates a batch of the files at the server, uploads them and follows the batch until it has ended. */
export async function createBatchJob(files, options = {}) {
  const list = Array.from(files ?? []);
  if (list.length === 0) throw new TypeError("There are no files. Choose at least one picture.");
  for (const file of list) {
    if (!(file instanceof Blob) && !file?.data) throw new TypeError("A file is a File, a Blob, or an object with name and data.");
  }
  const connection = new Connection(options);
  const asked = {
    name: options.name, preset: options.preset, columns: options.columns, engine: options.engine,
    at_once: options.maxConcurrent, max_retries: options.maxRetries, retry_delay_ms: options.retryDelay,
  };
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomName() };
  const batch = await connection.send("POST", API, { body: JSON.stringify(asked), headers });
  debug("created", { id: batch.id, files: list.length });
  const job = {
    id: batch.id, totalImages: list.length, completedImages: 0, failedImages: 0, status: "pending", progress: 0, results: [], errorMessage: null,
  };
  const watcher = new Watcher(job, connection, options);
  jobs.set(job.id, watcher);
  watch(watcher, () => fill(watcher, list, options.names));
  return job;
}

// watch follows a job after `first` was done; watcher.done resolves when the job has ended or was canceled.
function watch(watcher, first) {
  watcher.final = false;
  watcher.done = (async () => {
    try {
      await first();
    } catch (error) {
      if (!watcher.stop.signal.aborted) watcher.fail(error);
      return;
    }
    await watcher.follow();
  })();
}

/** The job with this id, or undefined if this client does not know it. */
export function getBatchJob(id) {
  return jobs.get(id)?.job;
}

/** All jobs that this client knows, the oldest first. */
export function getAllBatchJobs() {
  return [...jobs.values()].map((watcher) => watcher.job);
}

function known(id) {
  const watcher = jobs.get(id);
  if (!watcher) throw new SheetliftError(`There is no job ${id} in this client.`, { status: 404 });
  return watcher;
}

/** Cancels the job here and at the server, and returns it once it has ended. Rows that were read stay at the server. */
export async function cancelBatchJob(id) {
  const watcher = known(id);
  const { job, connection, path } = watcher;
  if (FINAL.includes(job.status)) return job;
  debug("cancel", { id });
  if (!watcher.started) {
    watcher.stop.abort(); // of the uploads
    await watcher.done;
    const { status } = await connection.send("GET", path);
    if (status === "draft") {
      await connection.send("DELETE", path);
      job.status = "canceled";
      watcher.tell("onComplete");
      return job;
    }
    watcher.stop = new AbortController(); // the start was faster
    watch(watcher, () => connection.send("POST", `${path}/cancel`));
  } else {
    await connection.send("POST", `${path}/cancel`);
  }
  await watcher.done; // the stream or a poll tells the end
  return job;
}

/** Forgets the jobs that have ended, and returns how many. Nothing is deleted at the server. */
export function cleanupBatchJobs() {
  const ended = [...jobs.values()].filter((watcher) => FINAL.includes(watcher.job.status));
  for (const watcher of ended) jobs.delete(watcher.job.id);
  debug("cleanup", { forgotten: ended.length });
  return ended.length;
}

/** Has the failed images of a job read again, and follows it to its next end. Returns how many are read again. */
export async function retryFailedImages(id) {
  const watcher = known(id);
  const { retried } = await watcher.connection.send("POST", `${watcher.path}/retry`, { body: "{}" });
  debug("retry", { id, retried });
  if (retried === 0) return 0;
  if (FINAL.includes(watcher.job.status)) {
    Object.assign(watcher.job, { status: "processing", errorMessage: null });
    watcher.batch = undefined; // its final status is of before
    watch(watcher, () => {});
  }
  return retried;
}
