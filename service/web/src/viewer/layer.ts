/** One volume as it is drawn: the visible part of a slice in colour, kept until something about it changes. */

import { colour, depthFor, Levels, refined, type Colouring, type Part, type Pooling } from "./levels";
import { canvasPoint, planePoint, type Frame } from "./place";
import type { Volume } from "./volume";

/** Parts begin and end at multiples of this, so that a small pan finds its part already there. */
const BLOCK = 128;
/** Into how many parts a voxel is cut at most, across and down. */
const FINEST = 8;

export class Layer {
  private levels: Levels | undefined;
  private drawn = "";
  private readonly picture = document.createElement("canvas");

  constructor(
    readonly volume: Volume,
    private readonly pooling: Pooling,
  ) {}

  /** Draw what of the slice falls on the canvas; `name` tells one colour table from another. */
  draw(to: CanvasRenderingContext2D, frame: Frame, slice: number, colouring: Colouring, name: string): void {
    if (this.levels?.slice !== slice) this.levels = new Levels(this.volume, slice, this.pooling);
    const depth = depthFor(Math.min(frame.across, frame.down));
    const level = this.levels.at(depth);
    // Cut before it is enlarged, a threshold's line would show the voxels' corners.
    const finer = colouring.isCut ? Math.min(FINEST, Math.ceil(Math.max(frame.across, frame.down))) : 1;
    const side = depth > 0 ? 2 ** depth : 1 / finer;
    const [left, top] = planePoint(frame, [0, 0]);
    const [right, bottom] = planePoint(frame, [to.canvas.width, to.canvas.height]);
    const across = blocks(left / side, right / side, depth > 0 ? level.width : level.width * finer);
    const down = blocks(top / side, bottom / side, depth > 0 ? level.height : level.height * finer);
    if (!across || !down) return;
    const part: Part = { left: across[0], top: down[0], width: across[1], height: down[1] };
    const wanted = [slice, side, ...Object.values(part), colouring.low, colouring.high, name].join();
    if (wanted !== this.drawn) {
      const whole = { left: 0, top: 0, width: part.width, height: part.height };
      const words =
        side < 1 ? colour(refined(level, part, finer), whole, colouring) : colour(level, part, colouring);
      this.keep(words, part);
      this.drawn = wanted;
    }
    const [x, y] = canvasPoint(frame, [part.left * side, part.top * side]);
    const width = part.width * side * frame.across;
    const height = part.height * side * frame.down;
    // One to one is shown as it is, or smoothing would touch it where the browser thinks in fractions.
    to.imageSmoothingEnabled = frame.across !== side || frame.down !== side;
    to.imageSmoothingQuality = "high";
    to.drawImage(this.picture, x, y, width, height);
  }

  private keep(words: Uint32Array, { width, height }: Part): void {
    this.picture.width = width;
    this.picture.height = height;
    const bytes = new Uint8ClampedArray(words.buffer as ArrayBuffer);
    this.picture.getContext("2d")?.putImageData(new ImageData(bytes, width, height), 0, 0);
  }
}

/** First pixel and count of the blocks that hold `from` to `to`; null where none of the plane's are. */
function blocks(from: number, to: number, length: number): [number, number] | null {
  const first = Math.max(0, BLOCK * Math.floor(from / BLOCK));
  const end = Math.min(length, BLOCK * Math.ceil(to / BLOCK));
  return end > first ? [first, end - first] : null;
}
