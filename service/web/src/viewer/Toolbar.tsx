/** How the picture is shown: which side, which window, how much of the heatmap. */

import { useId } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { number } from "../ui/format";
import {
  reset,
  showLayout,
  toggleMap,
  toggleMeasuring,
  toggleReconstruction,
  toggleWindowing,
  zoomBy,
  zoomToFit,
  zoomToPixels,
} from "./actions";
import { saveScreenshot } from "./screenshot";
import type { Stage } from "./stage";
import type { Colormap, Layout } from "./state";

const LAYOUTS: [Layout, string, string][] = [
  ["slices", "Slices", "1"],
  ["planes", "Planes", "2"],
  ["render", "3-D", "3"],
];

const COLORMAPS: [Colormap, string][] = [
  ["inferno", "Inferno"],
  ["viridis", "Viridis"],
  ["cividis", "Cividis"],
];

interface Props {
  stage: Stage;
  onHelp: () => void;
}

export function Toolbar({ stage, onHelp }: Props) {
  return (
    <div class="toolbar" role="group" aria-label="How the image is shown">
      <div class="tools">
        <Layouts stage={stage} />
        <Windowing stage={stage} />
        <Zoom stage={stage} />
        <Tools stage={stage} />
      </div>
      <div class="tools">
        <HeatmapTools stage={stage} />
        <div class="joined tools-end" role="group" aria-label="The viewer">
          <Tool text="Reset" label="Reset zoom, window and modes" onClick={() => reset(stage)} />
          <Tool text="Keys" label="Keys and mouse" hint="?" onClick={onHelp} />
        </div>
      </div>
    </div>
  );
}

function Layouts({ stage }: { stage: Stage }) {
  const { view } = stage;
  const isVolume = stage.images.image.size[2] > 1;
  const isReconstruction = view.companion.value === "reconstruction" && view.layout.value === "slices";
  return (
    <div class="joined" role="group" aria-label="Layout">
      {isVolume &&
        LAYOUTS.map(([layout, text, key]) => (
          <Toggle
            key={layout}
            text={text}
            hint={key}
            isOn={view.layout.value === layout && !isReconstruction}
            onClick={() => {
              view.companion.value = "none";
              showLayout(stage, layout);
            }}
          />
        ))}
      <Toggle
        text="Reconstruction"
        hint="R"
        isOn={isReconstruction}
        onClick={() => toggleReconstruction(stage)}
      />
    </div>
  );
}

function Windowing({ stage }: { stage: Stage }) {
  const { view, presets } = stage;
  const { center, width } = view.window.value;
  const chosen = presets.findIndex(({ window }) => window.center === center && window.width === width);
  return (
    <div class="tool-group">
      <label class="inline">
        Window
        <select
          value={`${chosen}`}
          onChange={(event) => {
            const preset = presets[Number(event.currentTarget.value)];
            if (preset) view.window.value = preset.window;
          }}
        >
          {chosen < 0 && <option value="-1">By hand</option>}
          {presets.map(({ name }, index) => (
            <option key={name} value={`${index}`}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div class="joined" role="group" aria-label="Window tools">
        <Toggle
          text="Drag"
          label="Drag to change the window"
          hint="W, or drag with the right button"
          isOn={stage.isWindowing.value}
          onClick={() => toggleWindowing(stage)}
        />
        <Toggle
          text="Invert"
          hint="I"
          isOn={stage.isInverted.value}
          onClick={() => (stage.isInverted.value = !stage.isInverted.value)}
        />
      </div>
    </div>
  );
}

function Zoom({ stage }: { stage: Stage }) {
  const isSlices = stage.view.layout.value === "slices";
  return (
    <div class="joined" role="group" aria-label="Zoom">
      <Tool text="−" label="Zoom out" hint="−" onClick={() => zoomBy(stage, 0.8)} />
      <Tool text="Fit" label="Fit all of the image" hint="0" onClick={() => zoomToFit(stage)} />
      {isSlices && (
        <Tool
          text="1:1"
          label="1:1, one voxel on one pixel of the screen"
          hint="Z"
          onClick={() => zoomToPixels(stage)}
        />
      )}
      <Tool text="+" label="Zoom in" hint="+" onClick={() => zoomBy(stage, 1.25)} />
    </div>
  );
}

function Tools({ stage }: { stage: Stage }) {
  return (
    <div class="joined tools-end" role="group" aria-label="Tools">
      <Toggle
        text="Measure"
        hint="M"
        isOn={stage.view.isMeasuring.value}
        onClick={() => toggleMeasuring(stage)}
      />
      <Tool text="Screenshot" hint="S" onClick={() => void saveScreenshot(stage)} />
    </div>
  );
}

function HeatmapTools({ stage }: { stage: Stage }) {
  const { view, images, isMapShown } = stage;
  const top = Math.max(images.highest, view.full.value, view.threshold.value);
  const step = top / 200;
  return (
    <div class="tool-group" role="group" aria-label="Heatmap">
      <Toggle text="Heatmap" hint="H" isOn={isMapShown.value} onClick={() => toggleMap(stage)} />
      <select
        aria-label="Colours of the heatmap"
        value={view.colormap.value}
        onChange={(event) => (view.colormap.value = event.currentTarget.value as Colormap)}
      >
        {COLORMAPS.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <Slider
        text="Opacity"
        value={view.opacity.value}
        max={1}
        step={0.05}
        shown={`${Math.round(100 * view.opacity.value)} %`}
        onChange={(value) => (view.opacity.value = value)}
      />
      <Slider
        text="Shown above"
        value={view.threshold.value}
        max={top}
        step={step}
        shown={number(view.threshold.value)}
        onChange={(value) => {
          view.threshold.value = value;
          view.full.value = Math.max(view.full.value, value + step);
        }}
      />
      <Slider
        text="Full colour at"
        value={view.full.value}
        max={top}
        step={step}
        shown={number(view.full.value)}
        onChange={(value) => {
          view.full.value = Math.max(value, step);
          view.threshold.value = Math.min(view.threshold.value, view.full.value - step);
        }}
      />
    </div>
  );
}

interface SliderProps {
  text: string;
  value: number;
  max: number;
  step: number;
  shown: string;
  onChange: (value: number) => void;
}

export function Slider({ text, value, max, step, shown, onChange }: SliderProps) {
  const id = useId();
  return (
    <div class="slider">
      <label for={id}>{text}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={max}
        step={step}
        value={value}
        aria-valuetext={shown}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <output for={id}>{shown}</output>
    </div>
  );
}

interface ToolProps {
  text: ComponentChildren;
  /** Where the text alone does not say it. */
  label?: string;
  /** The key. */
  hint?: string;
  onClick: () => void;
}

function Tool({ text, label, hint, onClick }: ToolProps) {
  return (
    <button type="button" onClick={onClick} {...named(text, label, hint)}>
      {text}
    </button>
  );
}

function Toggle({ text, label, hint, onClick, isOn }: ToolProps & { isOn: boolean }) {
  return (
    <button type="button" aria-pressed={isOn} onClick={onClick} {...named(text, label, hint)}>
      {text}
    </button>
  );
}

function named(text: ComponentChildren, label: string | undefined, hint: string | undefined) {
  const name = label ?? `${text}`;
  return { ...(label ? { "aria-label": label } : {}), title: hint ? `${name} (${hint})` : name };
}
