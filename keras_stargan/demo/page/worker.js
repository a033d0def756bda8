// Runs the model away from the page, which stays quick meanwhile.
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1;  // More would need headers that simple servers do not send.
const sessions = {};

async function bytes(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} is missing (${response.status}).`);
  return new Uint8Array(await response.arrayBuffer());
}

async function load(files) {
  // Not by its address: then every server's content type is right.
  ort.env.wasm.wasmBinary = await bytes("runtime/ort-wasm-simd-threaded.wasm");
  for (const [name, file] of Object.entries(files))
    sessions[name] = await ort.InferenceSession.create(await bytes(file));
}

async function run({ endpoint, inputs }) {
  const feeds = {};
  for (const [name, { data, shape }] of Object.entries(inputs))
    feeds[name] = new ort.Tensor(data instanceof Int32Array ? "int32" : "float32", data, shape);
  const before = performance.now();
  const outputs = await sessions[endpoint].run(feeds);
  const milliseconds = performance.now() - before;
  const [output] = Object.values(outputs);
  return { data: output.data, milliseconds };
}

// One after the other.
let queue = Promise.resolve();
addEventListener("message", ({ data: { id, files, ...request } }) => {
  queue = queue.then(() => (files ? load(files) : run(request))).then(
    (answer) => postMessage({ id, answer }),
    (error) => postMessage({ id, error: error.message ?? String(error) }));
});
