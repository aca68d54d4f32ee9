/** What the panes side by side show: the image with and without its heatmap, or what the network made of it. */

import { number } from "../ui/format";
import { differenceColours, greys, heatmapColours, packed, type Colour } from "./colormaps";
import type { Images, Reconstruction } from "./images";
import { Layer } from "./layer";
import type { Colouring } from "./levels";
import type { Coat, Legend, Pane } from "./paint";
import { valueText } from "./reading";
import type { Stage } from "./stage";
import type { Window } from "./state";
import { limitsOf } from "./windowing";

const tables = new Map<string, { colours: Colour[]; table: Uint32Array }>();

/** A table is made once. */
function table(name: string, make: () => Colour[]): { colours: Colour[]; table: Uint32Array } {
  const known = tables.get(name);
  if (known) return known;
  const colours = make();
  const made = { colours, table: packed(colours) };
  tables.set(name, made);
  return made;
}

/** The same layers serve both panes: they draw the same part of the same slice. */
export class ImagePanes {
  private readonly image: Layer;
  private readonly map: Layer;

  constructor(images: Images) {
    this.image = new Layer(images.image, "mean");
    this.map = new Layer(images.map, "max");
  }

  withHeatmap(stage: Stage): Pane {
    const { view, isMapShown } = stage;
    const [low, high] = [view.threshold.value, view.full.value];
    const name = view.colormap.value;
    const { colours, table: words } = table(name, () => heatmapColours(name));
    const heat: Coat = {
      layer: this.map,
      colouring: { table: words, low, high: Math.max(high, low), isCut: true },
      name,
      opacity: view.opacity.value,
    };
    const isShown = isMapShown.value;
    return {
      title: isShown ? "Image with heatmap" : "Image, heatmap hidden",
      coats: [grey(this.image, view.window.value, stage.isInverted.value), ...(isShown ? [heat] : [])],
      note: windowText(view.window.value, stage.images.isHu),
      legend: isShown
        ? {
            title: "anomaly",
            colours,
            top: `≥ ${number(high)}`,
            bottom: number(low),
            mark: findingMark(stage.mapThreshold, low, high),
          }
        : null,
    };
  }

  alone(stage: Stage): Pane {
    const coats = [grey(this.image, stage.view.window.value, stage.isInverted.value)];
    return { title: "Image", note: "", coats, legend: null };
  }
}

/** What the network saw, what it made of it, and the difference. */
export class ReconstructionPanes {
  private readonly seen: Layer;
  private readonly made: Layer;
  private readonly difference: Layer;

  constructor(private readonly reconstruction: Reconstruction) {
    this.seen = new Layer(reconstruction.seen, "mean");
    this.made = new Layer(reconstruction.made, "mean");
    this.difference = new Layer(reconstruction.difference, "mean");
  }

  all(stage: Stage): [Pane, Pane, Pane] {
    const { window, full } = this.reconstruction;
    const isInverted = stage.isInverted.value;
    const { colours, table: words } = table("difference", differenceColours);
    const colouring: Colouring = { table: words, low: -full, high: full, isCut: false };
    const legend = {
      title: "difference",
      colours,
      top: `+${number(full)}`,

      bottom: `−${number(full)}`,
      mark: { share: 0.5, text: "0" },
    };
    return [
      { title: "What the model saw", note: "", coats: [grey(this.seen, window, isInverted)], legend: null },
      { title: "Its reconstruction", note: "", coats: [grey(this.made, window, isInverted)], legend: null },
      {
        title: "Difference",
        note: "",
        coats: [{ layer: this.difference, colouring, name: "difference", opacity: 1 }],
        legend,
      },
    ];
  }
}

/** Above which value regions are findings, unless that is too near an end to be told from it. */
function findingMark(threshold: number, low: number, high: number): Legend["mark"] {
  const share = (threshold - low) / (high - low);
  return share > 0.12 && share < 0.88 ? { share, text: `finding ${number(threshold)}` } : null;
}

function windowText({ center, width }: Window, isHu: boolean): string {
  return `C ${valueText(Number(center.toPrecision(4)))}  W ${valueText(Number(width.toPrecision(4)))}${isHu ? " HU" : ""}`;
}

function grey(layer: Layer, window: Window, isInverted: boolean): Coat {
  const name = isInverted ? "inverted" : "grey";
  const [low, high] = limitsOf(window);
  const { table: words } = table(name, () => greys(isInverted));
  return { layer, colouring: { table: words, low, high, isCut: false }, name, opacity: 1 };
}
