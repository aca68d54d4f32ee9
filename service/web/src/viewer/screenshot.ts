/** What is on the screen as a PNG, with what it is and what it is not for burned in. */

import { save } from "../api/client";
import { number } from "../ui/format";
import { NOTICE } from "./paint";
import type { Stage } from "./stage";

const GAP = 4;
const FOOTER = 34;

export async function saveScreenshot(stage: Stage): Promise<void> {
  const picture = screenshot(stage);
  if (!picture) return;
  const content = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, "image/png"));
  const { job_id } = stage.view.result;
  const slice = stage.view.at.value[2] + 1;
  if (!content) return;
  // The file's name on the user's disk is no patient's.
  save(content, `atypia-${job_id.slice(0, 8)}-slice-${slice}.png`);
  stage.said.value = "The screenshot was saved with your downloads.";
}

/** The panes side by side above a strip that tells of them; null while none is drawn. */
function screenshot(stage: Stage): HTMLCanvasElement | null {
  const canvases = stage.canvases.current();
  if (!canvases.length) return null;
  const unit = devicePixelRatio;
  const footer = Math.round(FOOTER * unit);
  const picture = document.createElement("canvas");
  picture.width = canvases.reduce((sum, one) => sum + one.width, 0) + GAP * (canvases.length - 1);
  picture.height = Math.max(...canvases.map((one) => one.height)) + footer;
  const context = picture.getContext("2d");
  if (!context) return null;
  context.fillStyle = "#000";
  context.fillRect(0, 0, picture.width, picture.height);
  let left = 0;
  for (const canvas of canvases) {
    context.drawImage(canvas, left, 0);
    left += canvas.width + GAP;
  }
  context.fillStyle = "#121214";
  context.fillRect(0, picture.height - footer, picture.width, footer);
  const middle = picture.height - footer / 2;
  context.textBaseline = "middle";
  context.font = `600 ${13 * unit}px system-ui, sans-serif`;
  context.fillStyle = "#ffb454";
  context.fillText(NOTICE, 12 * unit, middle);
  const after = 12 * unit + context.measureText(`${NOTICE}   `).width;
  context.fillStyle = "#bcbcc0";
  context.fillText(captionOf(stage), after, middle, picture.width - after - 12 * unit);
  return picture;
}

export function captionOf({ view, images }: Stage): string {
  const { result, at, threshold, full } = view;
  const slices = images.image.size[2];
  return [
    result.model,
    `score ${number(result.score)} (percentile ${number(result.percentile)})`,
    ...(slices > 1 ? [`slice ${at.value[2] + 1} of ${slices}`] : []),
    ...(view.layout.value === "planes" ? ["the patient's left is on the right"] : []),
    `heatmap ${number(threshold.value)} to ${number(full.value)}`,
  ].join(" · ");
}
