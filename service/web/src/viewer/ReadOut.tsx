/** What is under the cross hair, in numbers for the eye and in a sentence for the ear. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number } from "../ui/format";
import { toSlice } from "./actions";
import { describe, mmText, valueText } from "./reading";
import type { Stage } from "./stage";

/** Only where the cross hair rests is told, or a screen reader would never end. */
const REST_MS = 500;

export function ReadOut({ stage }: { stage: Stage }) {
  const { view, images } = stage;
  const reading = view.reading.value;
  const slices = images.image.size[2];
  return (
    <div class="readout">
      {slices > 1 && (
        <label class="inline slice-slider">
          Slice {view.at.value[2] + 1} / {slices}
          <input
            type="range"
            min={1}
            max={slices}
            value={view.at.value[2] + 1}
            aria-valuetext={`Slice ${view.at.value[2] + 1} of ${slices}`}
            onInput={(event) => toSlice(stage, event.currentTarget.valueAsNumber - 1)}
          />
        </label>
      )}
      {reading && (
        <dl>
          <Item name="Column, row">
            {reading.voxel[0] + 1}, {reading.voxel[1] + 1}
          </Item>
          {reading.mm && <Item name="Place">{mmText(reading.mm, images.hasOrientation)}</Item>}
          <Item name={images.isHu ? "HU" : "Value"}>{valueText(reading.value)}</Item>
          <Item name="Anomaly">{number(reading.anomaly)}</Item>
        </dl>
      )}
      <p class="said">{stage.said.value}</p>
      <Spoken stage={stage} />
    </div>
  );
}

function Item({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Spoken({ stage }: { stage: Stage }) {
  const spoken = useSignal("");
  const said = stage.said.value;
  const at = stage.view.at.value;
  useEffect(() => {
    const timer = setTimeout(() => (spoken.value = said || describe(stage)), REST_MS);
    return () => clearTimeout(timer);
  }, [said, at]);
  return (
    <p id="picture-text" class="hidden-text" role="status">
      {spoken.value}
    </p>
  );
}
