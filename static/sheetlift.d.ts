/** Types of sheetlift.js, the client of Sheetlift's API for browsers and Node 18 or later. */

export type BatchStatus = "pending" | "scheduled" | "processing" | "paused" | "completed" | "failed" | "canceled";
export type ImageStatus = "draft" | "pending" | "processing" | "retrying" | "completed" | "failed" | "canceled";

/** A file to read: a File, a Blob, or bytes with a name. */
export type BatchFile = Blob | { name: string; data: Blob | ArrayBuffer | Uint8Array };

/** One image of a job. A file that the server refused is one, too, with `number` 0. */
export interface BatchResult {
  /** Its number in the batch, from 1. */
  number: number;
  name: string;
  filename: string;
  status: ImageStatus;
  /** The text that was read, "" until it is completed. */
  extractedText: string;
  /** The rows that were read, each by column. */
  tableData: Record<string, string>[];
  /** Why it failed, a sentence for a person; null if it did not. */
  errorMessage: string | null;
  /** Seconds inside calls, without the time in the queue. */
  processingTime: number;
  /** Attempts after the first. */
  retryCount: number;
  /** The label of the key of the last attempt, never the key; null offline and before the first attempt. */
  apiKeyUsed: string | null;
}

/** One batch. The client keeps its fields up to date until its status is final: completed, failed or canceled. */
export interface BatchJob {
  /** The id of the batch at the server. */
  readonly id: string;
  readonly totalImages: number;
  readonly completedImages: number;
  readonly failedImages: number;
  /** "pending" while files are sent; "failed" if every image failed or the job could not go on. Final only once all results are here. */
  readonly status: BatchStatus;
  /** 0 to 100: the share of images that were completed, failed or canceled. */
  readonly progress: number;
  /** In the batch's order, refused files last. */
  readonly results: BatchResult[];
  /** Why the job could not go on; null if it could. */
  readonly errorMessage: string | null;
}

export interface BatchJobOptions {
  /** Images read at once, 1 to 64; the server's default is 5. */
  maxConcurrent?: number;
  /** Further attempts after one that failed because of the image, 0 to 20; the server's default is 3. */
  maxRetries?: number;
  /** Milliseconds before the first of them, 0 to 600000, doubling; the server's default is 2000. */
  retryDelay?: number;
  /** Names of the images, by file; a missing one is the file's own. */
  names?: string[];
  /** The batch's name. */
  name?: string;
  /** "inventory", "receipt" or "any". */
  preset?: string;
  /** Columns of your own instead of a preset, as in docs/api.md. */
  columns?: object[];
  /** "gemini" or "tesseract". */
  engine?: string;
  /** The server, such as "http://127.0.0.1:8080"; by default the one that this module was loaded from. */
  baseURL?: string;
  /** A token of the server where it has a password, or a function that returns one. */
  token?: string | (() => string | Promise<string>);
  /** Milliseconds for which a server that does not answer is tried again; 600000 by default. */
  patience?: number;
  /** Called after every change. */
  onProgress?: (job: BatchJob) => void;
  /** Called when the batch has ended; `job.status` tells how: completed, failed (every image failed) or canceled. */
  onComplete?: (job: BatchJob) => void;
  /** Called instead of onComplete when the job cannot go on; `job.status` is "failed" then. */
  onError?: (error: SheetliftError, job: BatchJob) => void;
}

/** An answer of the server that is an error, or a server that cannot be reached. */
export class SheetliftError extends Error {
  /** The HTTP status, 0 if there was no answer. */
  status: number;
  /** The kind of error, as in docs/api.md, such as "conflict"; "" if there was no answer. */
  code: string;
  /** The one part of the request that is at fault, such as "body.at_once"; "" for none. */
  location: string;
  /** Seconds after which the server asks to try again; 0 if it does not. */
  retryAfter: number;
  /** What to tell the technician, "" if there was no answer. */
  requestId: string;
}

/**
 * Creates a batch of the files at the server and resolves once it exists; uploading and reading go on by themselves.
 * It rejects if the batch cannot be created.
 */
export function createBatchJob(files: Iterable<BatchFile>, options?: BatchJobOptions): Promise<BatchJob>;

/** The job with this id, or undefined if this client does not know it. */
export function getBatchJob(id: string): BatchJob | undefined;

/** All jobs that this client knows, the oldest first. */
export function getAllBatchJobs(): BatchJob[];

/** Cancels the job here and at the server, and resolves once it has ended. Rows that were read stay at the server. */
export function cancelBatchJob(id: string): Promise<BatchJob>;

/** Forgets the jobs that have ended, and returns how many. Nothing is deleted at the server. */
export function cleanupBatchJobs(): number;

/**
 * Has the failed images of a job read again, follows it to its next end, which calls onComplete or onError once more, and
 * resolves at once with the number of images. Files that the server refused are not among them.
 */
export function retryFailedImages(id: string): Promise<number>;
