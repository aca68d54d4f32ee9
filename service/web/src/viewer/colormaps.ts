/**
 * Colour tables: the heatmap's, the differences' and grey.
 *
 * Inferno and viridis (Smith and van der Walt, 2015, CC0) and cividis (Nuñez, Anderton and Renslow, 2018) are drawn
 * through ten of their colours; all three grow evenly in lightness and are told apart by colour-blind readers.
 */

import type { Colormap } from "./state";

export const LEVELS = 256;

/** Of the heatmap's scale: its black start would hide in the image's own black. */
const DARKEST = 0.2;
/** The share of the scale over which the heatmap fades in, and how strongly it begins. */
const FADE_SHARE = 0.25;
const FADE_START = 0.45;

const ANCHORS: Record<Colormap, string> = {
  inferno: "000004 1b0c42 4b0c6b 781c6d a52c60 cf4446 ed6925 fb9a06 f7d03c fcffa4",
  viridis: "440154 482878 3e4a89 31688e 26828e 1f9e89 35b779 6dcd59 b4de2c fde725",
  cividis: "00204d 00336f 39486b 575c6d 707173 8a8779 a69d75 c4b56c e4cf5b ffea46",
};

// Black in the middle, as film is: blue is darker than expected, orange brighter.
const DIVERGING = "a9dcff 4fa3e8 1e5ea8 0d2f57 000000 4f2a07 a35a12 f08c2e ffd9ac";

export type Colour = [red: number, green: number, blue: number, alpha: number];

/** 256 colours of the heatmap, from its threshold to its full colour; alpha is 0 to 255. */
export function heatmapColours(name: Colormap): Colour[] {
  const anchors = coloursOf(ANCHORS[name]);
  return steps((share) => {
    const fade = Math.min(1, FADE_START + ((1 - FADE_START) * share) / FADE_SHARE);
    return [...between(anchors, DARKEST + (1 - DARKEST) * share), Math.round(255 * fade)];
  });
}

/** 256 colours from the most negative to the most positive difference, with none in the middle. */
export function differenceColours(): Colour[] {
  const anchors = coloursOf(DIVERGING);
  return steps((share) => [...between(anchors, share), 255]);
}

/** From black to white, or the other way. */
export function greys(isInverted: boolean): Colour[] {
  return steps((share) => {
    const grey = Math.round(255 * (isInverted ? 1 - share : share));
    return [grey, grey, grey, 255];
  });
}

/** As the words that ImageData's bytes make on the little-endian machines that browsers run on. */
export function packed(colours: Colour[]): Uint32Array {
  return Uint32Array.from(colours, ([r, g, b, a]) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0);
}

export const css = ([r, g, b, a]: Colour): string => `rgb(${r} ${g} ${b} / ${a / 255})`;

type Rgb = [number, number, number];

function coloursOf(anchors: string): Rgb[] {
  return anchors
    .split(" ")
    .map((hex) => [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16)) as Rgb);
}

function steps(colourAt: (share: number) => Colour): Colour[] {
  return Array.from({ length: LEVELS }, (_, level) => colourAt(level / (LEVELS - 1)));
}

function between(anchors: Rgb[], share: number): Rgb {
  const place = share * (anchors.length - 1);
  const index = Math.min(Math.floor(place), anchors.length - 2);
  const low = anchors[index] ?? [0, 0, 0];
  const high = anchors[index + 1] ?? [0, 0, 0];
  return low.map((value, channel) =>
    Math.round(value + (place - index) * ((high[channel] ?? 0) - value)),
  ) as Rgb;
}
