import { expect, test } from "vitest";
import { differenceColours, greys, heatmapColours, packed, type Colour } from "./colormaps";

/** CIE lightness of an sRGB colour. */
function lightness([r, g, b]: Colour): number {
  const [red = 0, green = 0, blue = 0] = [r, g, b]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.008856 ? 116 * Math.cbrt(luminance) - 16 : 903.3 * luminance;
}

test.each(["inferno", "viridis", "cividis"] as const)("%s grows evenly in lightness", (name) => {
  const found = heatmapColours(name).map(lightness);
  const rises = found.slice(8).map((value, index) => value - (found[index] ?? 0));
  expect(Math.min(...rises)).toBeGreaterThan(0);
  const mean = rises.reduce((sum, rise) => sum + rise, 0) / rises.length;
  expect(Math.max(...rises)).toBeLessThan(2.2 * mean);
});

test("a heatmap fades in over its first quarter and ends in its brightest colour", () => {
  const colours = heatmapColours("inferno");
  expect(colours).toHaveLength(256);
  // 0.45 of 255
  expect(colours[0]?.[3]).toBe(115);
  expect(colours[64]?.[3]).toBe(255);
  expect(colours[255]).toEqual([0xfc, 0xff, 0xa4, 255]);
});

test("differences are dark in the middle and as bright at one end as at the other", () => {
  const colours = differenceColours();
  expect(colours[127]).toEqual([0, 1, 1, 255]);
  expect(colours[128]).toEqual([1, 1, 0, 255]);
  const [low = 0, high = 0] = [colours[0], colours[255]].map((one) => (one ? lightness(one) : 0));
  expect(Math.abs(low - high)).toBeLessThan(5);
});

test("grey may be inverted", () => {
  expect(greys(false)[51]).toEqual([51, 51, 51, 255]);
  expect(greys(true)[51]).toEqual([204, 204, 204, 255]);
});

test("a colour's bytes are in the order of ImageData", () => {
  const bytes = new Uint8Array(packed([[1, 2, 3, 255]]).buffer);
  expect([...bytes]).toEqual([1, 2, 3, 255]);
});
