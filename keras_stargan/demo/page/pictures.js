// The way from a picture to the numbers that a model takes, and back. It is the package's:
// the middle square, resized as Pillow does it (bicubic), levels 0 to 255 as -1 to 1.

// A larger picture is first made smaller by the browser: a phone's photo would take seconds.
const MOST = 1024;
const PRECISION = 2 ** 22;  // Pillow counts in whole numbers.

/** Reads a file as a viewer would show it: rotated as it says, colours as they are stored. */
export async function readPicture(blob) {
  try {
    return await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${blob.name ? `“${blob.name}”` : "This"} cannot be read as a picture.`);
  }
}

/**
 * The middle square of a picture, as a model takes it.
 *
 * @param picture  an ImageBitmap, or a video that plays.
 * @param size     width and height of the square.
 * @param mirrored whether left and right change sides.
 * @returns ImageData of size x size.
 */
export function middleSquare(picture, size, mirrored = false) {
  let width = picture.videoWidth ?? picture.width;
  let height = picture.videoHeight ?? picture.height;
  const smaller = Math.min(1, MOST / Math.min(width, height));
  [width, height] = [Math.round(width * smaller), Math.round(height * smaller)];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";  // Under what is transparent.
  context.fillRect(0, 0, width, height);
  if (mirrored) context.setTransform(-1, 0, 0, 1, width, 0);
  context.drawImage(picture, 0, 0, width, height);
  const levels = context.getImageData(0, 0, width, height).data;

  const side = Math.min(width, height);
  const across = weights((width - side) / 2, side, width, size);
  const down = weights((height - side) / 2, side, height, size);
  // First all rows become shorter, then all columns.
  const rows = resized(levels, across, height, 4, 4 * width, 4 * size);
  const square = resized(rows, down, size, 4 * size, 4, 4);
  return new ImageData(square, size, size);
}

/** Of each new pixel: the first old one that counts, and the weights from there on. */
function weights(start, length, most, size) {
  const scale = length / size;
  const spread = Math.max(scale, 1);
  return Array.from({ length: size }, (_, place) => {
    const center = start + (place + 0.5) * scale;
    const first = Math.max(Math.trunc(center - 2 * spread + 0.5), 0);
    const end = Math.min(Math.trunc(center + 2 * spread + 0.5), most);
    const found = Array.from({ length: end - first },
      (_, i) => bicubic((first + i - center + 0.5) / spread));
    const sum = found.reduce((a, b) => a + b, 0);
    return { first, weights: found.map((x) => Math.round(x / sum * PRECISION)) };
  });
}

function bicubic(x) {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/**
 * Resizes rows or columns of RGBA levels.
 *
 * @param levels  four for each pixel.
 * @param places  what `weights` says of each new pixel of a line.
 * @param lines   how many rows or columns there are.
 * @param step    from one pixel of a line to the next one.
 * @param line    from one line to the next one.
 * @param newLine from one line to the next one when they are resized.
 */
function resized(levels, places, lines, step, line, newLine) {
  const found = new Uint8ClampedArray(4 * places.length * lines).fill(255);
  for (let i = 0; i < lines; i++) {
    for (let place = 0; place < places.length; place++) {
      const { first, weights } = places[place];
      for (let colour = 0; colour < 3; colour++) {
        let sum = PRECISION / 2;
        let at = i * line + first * step + colour;
        for (const weight of weights) {
          sum += weight * levels[at];
          at += step;
        }
        found[i * newLine + place * step + colour] = Math.floor(sum / PRECISION);
      }
    }
  }
  return found;
}

/** Levels as numbers from -1 to 1, (size, size, 3). */
export function toNumbers({ data }) {
  const numbers = new Float32Array(data.length / 4 * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    for (let colour = 0; colour < 3; colour++)
      numbers[to++] = data[from + colour] / 127.5 - 1;
  }
  return numbers;
}

/** Numbers from -1 to 1 as levels. */
export function toLevels(numbers) {
  const size = Math.sqrt(numbers.length / 3);
  const data = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let from = 0, to = 0; from < numbers.length; from += 3, to += 4) {
    for (let colour = 0; colour < 3; colour++)
      data[to + colour] = Math.round((numbers[from + colour] + 1) * 127.5);
  }
  return new ImageData(data, size, size);
}

/** Shows ImageData in a canvas of its size. */
export function show(canvas, levels) {
  canvas.getContext("2d").putImageData(levels, 0, 0);
}

/** ImageData as a canvas that is enlarged by a whole number to at least 256 pixels. */
export function enlarged(levels) {
  const small = new OffscreenCanvas(levels.width, levels.height);
  show(small, levels);
  const side = Math.ceil(256 / levels.width) * levels.width;
  const large = new OffscreenCanvas(side, side);
  const context = large.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, side, side);
  return large;
}
