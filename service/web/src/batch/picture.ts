/** A plot as a file: SVG with its colours written into it, or PNG; always on white, for paper. */

const NAMESPACE = "http://www.w3.org/2000/svg";
const WRITTEN = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "font-size",
  "font-weight",
  "text-anchor",
];
const FONT = "system-ui, 'Segoe UI', 'Noto Sans', sans-serif";
/** Pixels of a PNG for each unit of the plot. */
const SCALE = 3;

/** The plot as a document of its own. */
export function svgFile(plot: SVGSVGElement): Blob {
  const copy = plot.cloneNode(true) as SVGSVGElement;
  const { width, height } = plot.viewBox.baseVal;
  // The colours of the light theme are asked for where it holds.
  const paper = document.createElement("div");
  paper.dataset["theme"] = "light";
  paper.className = "batch-paper";
  paper.append(copy);
  document.body.append(paper);
  for (const element of copy.querySelectorAll<SVGElement>("*")) {
    const style = getComputedStyle(element);
    WRITTEN.forEach((name) => element.setAttribute(name, style.getPropertyValue(name)));
  }
  // Only now: what a class says holds for what is within as well.
  copy.querySelectorAll("[class]").forEach((element) => element.removeAttribute("class"));
  paper.remove();
  const ground = document.createElementNS(NAMESPACE, "rect");
  for (const [name, value] of Object.entries({ width, height, fill: "#ffffff" }))
    ground.setAttribute(name, `${value}`);
  copy.prepend(ground);
  for (const [name, value] of Object.entries({ xmlns: NAMESPACE, width, height, "font-family": FONT })) {
    copy.setAttribute(name, `${value}`);
  }
  copy.removeAttribute("class");
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}

export async function pngFile(plot: SVGSVGElement): Promise<Blob> {
  const { width, height } = plot.viewBox.baseVal;
  const address = URL.createObjectURL(svgFile(plot));
  try {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = SCALE * width;
    canvas.height = SCALE * height;
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no PNG")))),
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}
