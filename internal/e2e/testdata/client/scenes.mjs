// The scenes of the test of static/sheetlift.js: node scenes.mjs CLIENT SCENE BASE TOKEN PICTURE…
// Each prints one JSON value, which the test compares.
import { File } from "node:buffer"; // Node 18 has no global one
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [client, scene, baseURL, token, ...pictures] = process.argv.slice(2);
const logged = [];
globalThis.localStorage = { getItem: (name) => (name === "debug" && scene === "reads" ? "true" : null) };
console.debug = (...values) => logged.push(JSON.stringify(values));

const sheetlift = await import(pathToFileURL(client));
const files = await Promise.all(pictures.map(async (path) => new File([await readFile(path)], basename(path), { type: "image/jpeg" })));

function start(more = {}) {
  const calls = { progress: [], complete: 0, errors: [] };
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  const options = {
    baseURL, token: token || undefined,
    onProgress: (job) => calls.progress.push(job.progress),
    onComplete: () => { calls.complete++; end(); },
    onError: (error) => { calls.errors.push(error.message); end(); },
    ...more,
  };
  return { calls, ended, job: sheetlift.createBatchJob(more.files ?? files, options) };
}

const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
};

const scenes = {
  async reads() {
    const { calls, ended, job } = start({ names: ["Hall A"], maxConcurrent: 4, maxRetries: 0, retryDelay: 10, files: [...files, new File(["no picture"], "notes.jpg")] });
    const { id } = await job;
    await ended;
    const first = structuredClone(sheetlift.getBatchJob(id));
    const retried = await sheetlift.retryFailedImages(id);
    if (retried > 0) await until(() => calls.complete === 2);
    const all = sheetlift.getAllBatchJobs().length;
    return { calls, first, retried, job: await job, all, forgotten: sheetlift.cleanupBatchJobs(), left: sheetlift.getAllBatchJobs().length, gone: sheetlift.getBatchJob(id) === undefined, logged };
  },
  async cancels() {
    const { calls, ended, job } = start({ maxConcurrent: 1 });
    const { id } = await job;
    await until(() => sheetlift.getBatchJob(id).completedImages > 0);
    await sheetlift.cancelBatchJob(id);
    await ended;
    return { calls, job: await job };
  },
  async cancelsDraft() {
    const { calls, job } = start({ onProgress: undefined });
    const { id } = await job;
    await sheetlift.cancelBatchJob(id);
    return { calls, job: await job };
  },
  async follows() { // to an end that something else brings about; the test waits for the id
    const { calls, ended, job } = start({ maxConcurrent: 1 });
    const { id } = await job;
    await until(() => sheetlift.getBatchJob(id).completedImages > 0);
    process.stderr.write(`${id}\n`);
    await ended;
    return { calls, job: await job };
  },
  async refused() {
    try {
      await start().job;
      return "it was accepted";
    } catch (error) {
      return { status: error.status, code: error.code, location: error.location, message: error.message, requestId: error.requestId };
    }
  },
};

console.log(JSON.stringify(await scenes[scene]()));
