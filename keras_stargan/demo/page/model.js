// The model as the page sees it: a worker that answers.

export class Model {
  #worker = new Worker("worker.js", { type: "module" });
  #waiting = new Map();
  #count = 0;

  /** @param about what `model.json` says. */
  constructor(about) {
    this.about = about;
    this.#worker.addEventListener("message", ({ data: { id, answer, error } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(answer);
      else reject(new Error(error));
    });
    this.#worker.addEventListener("error", (event) => {
      const error = new Error(event.message || "The model's program cannot be loaded.");
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  #ask(request) {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...request });
    });
  }

  /** Loads the runtime and all endpoints. */
  load() {
    return this.#ask({ files: Object.fromEntries(Object.entries(this.about.endpoints).map(
      ([name, { file }]) => [name, `model/${file}`])) });
  }

  /** Whether there is an endpoint. */
  has(endpoint) {
    return endpoint in this.about.endpoints;
  }

  /**
   * Runs an endpoint for one picture.
   *
   * @param inputs arrays by name: Float32Array, or Int32Array for numbers of domains.
   * @returns {data, milliseconds}: the only output, and how long it took.
   */
  run(endpoint, inputs) {
    const size = this.about.image_size;
    const shapes = { images: [1, size, size, 3], references: [1, size, size, 3], domains: [1] };
    return this.#ask({ endpoint, inputs: Object.fromEntries(Object.entries(inputs).map(
      ([name, data]) => [name, { data, shape: shapes[name] ?? [1, data.length] }])) });
  }
}
