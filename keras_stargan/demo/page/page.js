// What happens on the page. A picture comes from a file, the clipboard, the camera or the
// drawn ones; the controls say what it becomes; `paint` shows it whenever something changed.
import { find, make } from "./dom.js";
import { LabelControls } from "./labels.js";
import { Model } from "./model.js";
import { middleSquare, readPicture, show, toLevels, toNumbers } from "./pictures.js";
import { saveGif, savePng } from "./saving.js";
import { StyleControls } from "./styles.js";

let about, model, controls;
let source;             // The picture: {levels, numbers}.
let result;             // Its translation, ImageData.
let camera = null;      // The video, while it runs.
let takeFile = useFile; // What becomes of the file that is opened next.
const times = [];       // The last milliseconds.

function fail(error) {
  find("failure").textContent = `This does not work: ${error.message ?? error}`;
  find("failure").hidden = false;
}

/** Runs what a person asked for, and says why if it fails. */
const tried = (action) => async (...given) => {
  find("failure").hidden = true;
  try {
    await action(...given);
  } catch (error) {
    fail(error);
  }
};

function say(text) {
  find("status").textContent = text;
}

// Painting.

const ONE_IN = 4;  // Of so many pictures of the camera, one is shown on a button, too.
let painting = false, again = false, nextTile = 0, painted = 0;

/** Shows the translation, then those on the buttons; starts again after a change. */
async function paint() {
  again = true;
  if (painting) return;
  painting = true;
  find("pictures").ariaBusy = "true";
  try {
    while (again) {
      again = false;
      await paintResult();
      // A camera's next picture waits.
      let left = camera ? Number(painted++ % ONE_IN === 0) : controls.tiles.length;
      while (left-- && !again) await paintTile();
    }
  } finally {
    painting = false;
    find("pictures").ariaBusy = "false";
  }
}

/** Shows how long pictures take, and returns the levels of this one. */
function timed({ data, milliseconds }) {
  times.push(milliseconds);
  if (times.length > 9) times.shift();
  const middle = times.toSorted((a, b) => a - b)[times.length >> 1];
  find("speed").textContent = `${middle.toFixed(middle < 9.5 ? 1 : 0)} ms`;
  return toLevels(data);
}

async function paintResult() {
  const { levels, numbers } = source;
  result = timed(await controls.translate(numbers));
  show(find("source"), levels);
  show(find("result"), result);
  find("result").setAttribute("aria-label", `The translation: ${controls.words}`);
  find("shown").textContent = controls.words;
}

async function paintTile() {
  const tile = controls.tiles[nextTile++ % controls.tiles.length];
  show(tile.canvas, timed(await tile.translate(source.numbers)));
}

const changed = tried(async () => {
  say(`It becomes: ${controls.words}.`);
  nextTile = 0;
  await paint();
});

// Pictures.

/** Takes a picture: ImageData of the model's size, and its labels if they are known. */
async function use(levels, labels = null) {
  const numbers = toNumbers(levels);
  await controls.look(numbers, labels);
  source = { levels, numbers };
  nextTile = 0;
  await paint();
}

function mark(button) {
  for (const one of find("drawn").children)
    one.setAttribute("aria-pressed", String(one === button));
}

async function useFile(levels, name) {
  stopCamera();
  mark(null);
  await use(levels);
  say(`${name || "Your picture"} is used.`);
}

/** Reads a file and hands its middle square on. */
const open = tried(async (file, take = useFile) => {
  if (!file) throw new Error("there is no picture in what was given.");
  await take(middleSquare(await readPicture(file), about.image_size), file.name);
});

function askFile(take) {
  takeFile = take;
  find("file").click();
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} is missing (${response.status}).`);
  return response;
}

async function loadDrawn() {
  return Promise.all(about.pictures.map(async ({ file, labels }, i) => {
    const picture = await readPicture(await (await fetched(file)).blob());
    return { levels: middleSquare(picture, about.image_size), labels,
      title: `picture ${i + 1}` };
  }));
}

function offer({ levels, labels, title }) {
  const canvas = make("canvas", { width: levels.width, height: levels.height });
  canvas.setAttribute("aria-hidden", "true");
  show(canvas, levels);
  const button = make("button", { type: "button", className: "tile", "aria-label": title,
    "aria-pressed": "false" }, canvas);
  button.addEventListener("click", tried(async () => {
    stopCamera();
    mark(button);
    await use(levels, labels);
    say(`Drawn ${title} is used.`);
  }));
  find("drawn").append(button);
  return button;
}

// The camera.

async function startCamera() {
  if (!navigator.mediaDevices)
    throw new Error("a browser gives the camera only to pages from this computer or https.");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia(
      { video: { width: { ideal: 640 }, facingMode: "user" } });
  } catch (error) {
    throw new Error(`the camera cannot be used (${error.message}).`);
  }
  const video = make("video", { muted: true, playsInline: true, srcObject: stream });
  await video.play();
  mark(null);
  camera = video;
  // Mirrored, as people know their face.
  const take = () => middleSquare(video, about.image_size, true);
  await use(take());
  say("The camera is used.");
  find("camera").textContent = "Stop the camera";
  find("camera").setAttribute("aria-pressed", "true");
  const next = () => {
    if (camera !== video) return;
    if (!painting) {  // Else this picture is left out.
      const levels = take();
      source = { levels, numbers: toNumbers(levels) };
      paint().catch((error) => { stopCamera(); fail(error); });
    }
    requestAnimationFrame(next);
  };
  next();
}

function stopCamera() {
  if (!camera) return;
  for (const track of camera.srcObject.getTracks()) track.stop();
  camera = null;
  find("camera").textContent = "Use the camera";
  find("camera").setAttribute("aria-pressed", "false");
}

// Start.

function listen() {
  find("choose").addEventListener("click", () => askFile(useFile));
  find("file").addEventListener("change", async ({ target }) => {
    const [file] = target.files;
    if (file) await open(file, takeFile);
    target.value = "";  // The same file can be opened again.
  });
  find("camera").addEventListener("click", tried(async () => {
    find("camera").disabled = true;  // A second one would run for ever.
    try {
      if (!camera) return await startCamera();
      stopCamera();
      await paint();
    } finally {
      find("camera").disabled = false;
    }
  }));
  const dropped = (event) => event.target.closest?.("#reference");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.toggle("dragged", !dropped(event));
  });
  addEventListener("dragleave", () => document.body.classList.remove("dragged"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragged");
    open(event.dataTransfer.files[0],
      dropped(event) ? (levels) => controls.takeReference(levels) : useFile);
  });
  addEventListener("paste", ({ clipboardData: { files } }) => files.length && open(files[0]));
  const name = () => controls.words.replaceAll(/[^\w-]+/g, "_");
  find("png").addEventListener("click", tried(async () => {
    await savePng(result, name());
    say("The PNG file is in your downloads.");
  }));
  find("gif").addEventListener("click", tried(async () => {
    find("gif").disabled = true;
    try {
      await saveGif(source.numbers, controls.frames(), name(),
        (share) => say(`Making the GIF: ${Math.round(100 * share)} %`));
    } finally {
      find("gif").disabled = false;
    }
    say("The GIF file is in your downloads.");
  }));
}

async function start() {
  about = { ...await (await fetched("model/model.json")).json(),
    ...await (await fetched("demo.json")).json() };
  find("title").textContent = `${about.method}, ${about.image_size} pixels`;
  document.title = `${about.method} to play with`;
  for (const id of ["source", "result"])
    find(id).width = find(id).height = about.image_size;
  model = new Model(about);
  const [drawn] = await Promise.all([loadDrawn(), model.load()]);
  const place = find("controls");
  controls = "translate_label" in about.endpoints
    ? new LabelControls(about, model, place, changed)
    : new StyleControls(about, model, place, changed, drawn, askFile);
  const [first] = drawn.map(offer);
  mark(first);
  await use(drawn[0].levels, drawn[0].labels);
  listen();
  find("starting").hidden = true;
  find("play").hidden = false;
  document.body.dataset.ready = "";
}

start().catch((error) => {
  find("starting").hidden = true;
  fail(error);
});
