/** Workloads and models as the service has them: asked for once, and again when told to. */

import { get } from "./http.js";

const PERIOD_MS = 5000;

/** Name of the model that a piece is of; that of a whole model as it is. */
export function wholeOf(name) {
  return name.split("#")[0];
}

export class Library {
  /** `onChange` is called when an answer has come. */
  constructor(onChange, onError) {
    this.onChange = onChange;
    this.onError = onError;
    this.answers = new Map();
  }

  /** All versions of all workloads, or null until they are known. */
  get workloads() {
    return this.ask("v1/workloads", ({ workloads }) => workloads);
  }

  /** All models, or null until they are known. */
  get models() {
    return this.ask("v1/models", ({ models }) => models);
  }

  /** A workload by `name` (its latest version) or `name@version`; null if there is none. */
  workload(key) {
    const [name, version] = key.split("@");
    const found = (this.workloads ?? []).filter((each) => each.name === name && (!version || String(each.version) === version));
    return found.sort((a, b) => b.version - a.version)[0] ?? null;
  }

  /** Name of a model by its digest, or the beginning of the digest. */
  nameOf(digest) {
    return this.models?.find((model) => model.digest === digest)?.name ?? this.pieceOf(digest)?.model ?? digest.slice(0, 12);
  }

  /** The piece of a model by its digest. */
  pieceOf(digest) {
    return this.models?.flatMap(({ partitions }) => partitions ?? []).flatMap(({ pieces }) => pieces).find((piece) => piece.digest === digest);
  }

  ask(path, pick) {
    const known = this.answers.get(path) ?? { value: null, asked_at: -Infinity };
    if (performance.now() - known.asked_at >= PERIOD_MS) {
      this.answers.set(path, { ...known, asked_at: performance.now() });
      this.read(path, pick);
    }
    return known.value;
  }

  async read(path, pick) {
    try {
      const value = pick(await get(path));
      const before = this.answers.get(path);
      this.answers.set(path, { ...before, value });
      if (JSON.stringify(before.value) !== JSON.stringify(value)) this.onChange();
    } catch (error) {
      if (this.answers.get(path).value === null) this.onError(error);
    }
  }
}
