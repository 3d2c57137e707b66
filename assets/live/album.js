const KEPT = 64;

/** A decoded picture from a Blob or an address. */
export async function decode(source) {
  if (source instanceof Blob) return createImageBitmap(source);
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

/** The newest pictures by iteration, older ones fetched again when asked for. */
export class Album {
  pictures = new Map();

  constructor(address) {
    this.address = address;
  }

  keep(iteration, picture) {
    this.pictures.delete(iteration);
    this.pictures.set(iteration, picture);
    if (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value);
  }

  async get(iteration) {
    if (!this.pictures.has(iteration)) this.keep(iteration, await decode(this.address(iteration)));
    return this.pictures.get(iteration);
  }
}
