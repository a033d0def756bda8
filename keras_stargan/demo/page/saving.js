// Downloads: a picture as PNG, a moving one as GIF.
import { GIFEncoder, applyPalette, quantize } from "./runtime/gifenc.mjs";
import { enlarged, toLevels } from "./pictures.js";

const STEP = 60;    // Milliseconds that a frame is shown.
const REST = 600;   // The same, at the ends.

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Downloads ImageData, enlarged to at least 256 pixels. */
export async function savePng(levels, name) {
  download(await enlarged(levels).convertToBlob({ type: "image/png" }), `${name}.png`);
}

/**
 * Translates a picture several times and downloads a GIF of it.
 *
 * @param picture  its numbers.
 * @param frames   {translate: picture -> promise of {data}, rests: whether it is shown longer}.
 * @param name     of the file, without its suffix.
 * @param progress is called with the share that is done.
 */
export async function saveGif(picture, frames, name, progress) {
  const small = [];
  for (const { translate } of frames) {
    small.push(toLevels((await translate(picture)).data));
    progress(small.length / frames.length);
  }
  // The same colours for all frames: then nothing flickers, and they are stored once.
  const each = small[0].data.length;
  const all = new Uint8Array(small.length * each);
  small.forEach(({ data }, i) => all.set(data, i * each));
  const palette = quantize(all, 256);
  const gif = GIFEncoder();
  small.forEach((levels, i) => {
    const large = enlarged(levels);
    const { data, width, height } = large.getContext("2d").getImageData(
      0, 0, large.width, large.height);
    gif.writeFrame(applyPalette(data, palette), width, height,
      { palette: i ? undefined : palette, delay: frames[i].rests ? REST : STEP });
  });
  gif.finish();
  download(new Blob([gif.bytes()], { type: "image/gif" }), `${name}.gif`);
}
