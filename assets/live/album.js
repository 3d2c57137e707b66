// @ts-check
/** @import { Picture } from "./types" */

const KEPT = 64;

/**
 * A decoded picture from a Blob or an address.
 * @param {Blob | string} source
 * @returns {Promise<Picture>}
 */
export async function decode(source) {
  if (source instanceof Blob) return createImageBitmap(source);
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

/** The newest pictures by iteration, older ones fetched again when asked for. */
export class Album {
  /** @type {Map<number, Picture>} */
  pictures = new Map();

  /** @param {(iteration: number) => string | undefined} address */
  constructor(address) {
    this.address = address;
  }

  /**
   * @param {number} iteration
   * @param {Picture} picture
   */
  keep(iteration, picture) {
    this.pictures.delete(iteration);
    this.pictures.set(iteration, picture);
    const [oldest] = this.pictures.keys();
    if (this.pictures.size > KEPT) this.pictures.delete(oldest);
  }

  /** @param {number} iteration */
  async get(iteration) {
    const kept = this.pictures.get(iteration);
    if (kept) return kept;
    const picture = await decode(this.address(iteration) ?? "");
    this.keep(iteration, picture);
    return picture;
  }
}
