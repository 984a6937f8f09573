import type { FileHandle } from 'node:fs/promises';
import { hasCode } from '../system-error.js';
import { errorText } from '../../domain/text/error-text.js';
import { imageSize } from 'image-size';
import type { PixelSize } from '../../domain/data/estimate-tokens.js';
import type { DataRuleId } from '../../domain/data/rules.js';
import { openRegular } from '../open-regular.js';
import { bmpCoreSize } from './bmp.js';
import { findDamage } from './image-end.js';
import { readJpegSize } from './jpeg-size.js';
import { imageFinding } from './image-index.js';
import type { ImageIndex } from './image-index.js';

/** What the header of an image says, or the rule that the image breaks. */
export type ImageHeader =
  | { readonly kind: 'size'; readonly size: PixelSize }
  | { readonly kind: 'bad'; readonly rule: DataRuleId; readonly what: string };

// Types that Pillow decodes without optional libraries; image-size knows more (SVG, PSD, ...), training does not.
const DECODABLE: ReadonlySet<string | undefined> = new Set(['jpg', 'png', 'webp', 'bmp', 'gif']);

// Pillow warns above 89 478 485 pixels and refuses an image of more than twice that (Image.MAX_IMAGE_PIXELS).
const MAX_PIXELS = 2 * 89_478_485;

// Image processors of vision models refuse an image that is longer than this many times its other side. Loaders that
// scale first leave no pixel of the short side of a much longer one: 1 x 300000 within 262144 pixels is 0.9 of a pixel wide.
const MAX_ASPECT = 200;

// The size of a JPEG stands behind its EXIF block with the preview and behind its profile; most images need the first
// read only, and those with more than the second one are walked.
const FIRST_READ_BYTES = 16 * 1024;
const SECOND_READ_BYTES = 1024 * 1024;

// A network file system answers this many opens at once; more only queue.
const CONCURRENT_PROBES = 16;

/** Finds and probes images below one root, each distinct name once, never decoding pixels. */
export class ImageHeaders {
  readonly #index: ImageIndex;
  readonly #known = new Map<string, ImageHeader>();

  constructor(index: ImageIndex) {
    this.#index = index;
  }

  /** How many distinct names were looked at. */
  get size(): number {
    return this.#known.size;
  }

  /** The header of a name that was given to `probe` before. */
  get(name: string): ImageHeader | undefined {
    return this.#known.get(name);
  }

  /** Looks at the names that are not known yet, sixteen at a time. */
  async probe(names: ReadonlySet<string>): Promise<void> {
    const queue = [...names].filter((name) => !this.#known.has(name));
    const next = queue.values();
    const work = async (): Promise<void> => {
      for (const name of next) this.#known.set(name, await this.#look(name));
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_PROBES, queue.length) }, work));
  }

  async #look(name: string): Promise<ImageHeader> {
    const place = await this.#index.lookup(name);
    if (place === 'file') return probeImageHeader(this.#index.path(name));
    const { rule, what } = imageFinding(place, name, 'images');
    return bad(rule, what);
  }
}

/** Reads the header of one image file and looks for damage; every failure is a `bad` header, none is thrown. */
export async function probeImageHeader(path: string): Promise<ImageHeader> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(path);
    return await readHeader(handle);
  } catch (error) {
    const isAbsent = hasCode(error, 'ENOENT');
    return bad(isAbsent ? 'data/image-missing' : 'data/image-unreadable', errorText(error));
  } finally {
    await handle?.close();
  }
}

async function readHeader(handle: FileHandle): Promise<ImageHeader> {
  let bytes = await readStart(handle, FIRST_READ_BYTES);
  if (bytes.length === 0) return bad('data/image-corrupt', 'the file is empty');
  let header = parseHeader(bytes);
  if (header.kind === 'bad' && bytes.length === FIRST_READ_BYTES) {
    bytes = await readStart(handle, SECOND_READ_BYTES);
    header = parseHeader(bytes);
  }
  // image-size knows no bytes that fill the space before a marker, and not what was not read.
  const isOddJpeg =
    header.kind === 'bad' && header.rule === 'data/image-corrupt' && bytes[0] === 0xff && bytes[1] === 0xd8;
  const size = isOddJpeg ? await readJpegSize(handle) : null;
  if (size !== null) header = judgeSize(size);
  const damage = header.kind === 'size' ? await findDamage(handle, bytes) : null;
  return damage === null ? header : bad('data/image-corrupt', damage);
}

async function readStart(handle: FileHandle, length: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, 0);
  // A copy of exactly these bytes: image-size 2.1.0 reads past the end of a view into the memory behind it.
  return buffer.slice(0, bytesRead);
}

function parseHeader(bytes: Uint8Array): ImageHeader {
  const core = bmpCoreSize(bytes);
  if (core !== null) return judgeSize(core);
  let found: ReturnType<typeof imageSize>;
  try {
    found = imageSize(bytes);
  } catch (error) {
    const what = errorText(error);
    return bad(what.startsWith('unsupported file type') ? 'data/image-type' : 'data/image-corrupt', what);
  }
  const { width, height, type } = found;
  if (!DECODABLE.has(type)) return bad('data/image-type', `type ${type ?? 'unknown'}`);
  return judgeSize({ width, height });
}

function judgeSize({ width, height }: PixelSize): ImageHeader {
  if (!(width > 0 && height > 0)) return bad('data/image-zero-size', `${width} x ${height} pixels`);
  if (width * height > MAX_PIXELS) return bad('data/image-bomb', `${width} x ${height} pixels`);
  if (Math.max(width, height) > MAX_ASPECT * Math.min(width, height))
    return bad('data/image-aspect', `${width} x ${height} pixels`);
  return { kind: 'size', size: { width, height } };
}

function bad(rule: DataRuleId, what: string): ImageHeader {
  return { kind: 'bad', rule, what };
}
