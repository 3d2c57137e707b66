// @ts-check
// The private pictures of a set-up before any run of it: those that come with GradLeak, as its network will see them.
/** @import { Chapter } from "./programme.js" */
import { decode } from "../live/album.js";

/**
 * The pictures top to bottom; null where one of them is not among the samples.
 * @param {string} site
 * @param {Chapter} chapter
 * @returns {Promise<ImageBitmap | null>}
 */
export async function preview(site, { experiments: [experiment] }) {
  /** @type {string[]} */
  const images = experiment?.images ?? [];
  if (!images.length || !images.every((one) => /^sample:\w+$/.test(one))) return null;
  const { size, channels } = experiment;
  const canvas = new OffscreenCanvas(size, size * images.length);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (channels === 1) context.filter = "grayscale(1)";
  context.imageSmoothingQuality = "high";
  for (const [at, image] of images.entries()) {
    const whole = await decode(`${site}api/static/samples/${image.replace("sample:", "")}.png`).catch(() => null);
    if (!whole) return null;
    const side = Math.min(whole.width, whole.height);
    const [left, top] = [(whole.width - side) / 2, (whole.height - side) / 2];
    context.drawImage(whole, left, top, side, side, 0, at * size, size, size);
  }
  return canvas.transferToImageBitmap();
}
