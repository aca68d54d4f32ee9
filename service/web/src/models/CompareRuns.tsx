/** Both models' answers beside each other, at one operating point and one slice. */

import { useSignal } from "@preact/signals";
import type { Model, OperatingPoint } from "../api/types";
import { rateText } from "../viewer/panels/meaning";
import { decisionAt } from "../viewer/panels/point";
import { sizeOf, worstSlice } from "../viewer/state";
import { CompareTable, type Side } from "./CompareTable";
import type { Run } from "./run";
import { RunView } from "./RunView";

interface Props {
  runs: readonly [Run, Run];
  models: readonly Model[];
}

export function CompareRuns({ runs, models }: Props) {
  const installed = runs.map((run) => models.find(({ model }) => model === run.model) ?? null);
  const choice = useSignal<string | null>(null);
  const slice = useSignal<number | null>(null);
  const chosen = choice.value ?? installed[0]?.default_operating_point ?? "";
  const sides = runs.map((run, place) => sideOf(run, installed[place] ?? null, chosen));
  const [left, right] = sides;
  const first = left ?? right;
  const count = first ? sizeOf(first.result)[2] : 1;
  return (
    <div class="compare-columns">
      {count > 1 && (
        <SliceChoice
          count={count}
          slice={slice.value}
          start={first ? worstSlice(first.result) : 0}
          onSlice={(next) => (slice.value = next)}
        />
      )}
      {runs.map((run, place) => (
        <RunView
          key={run.model}
          run={run}
          slice={slice.value}
          decision={sides[place]?.decision ?? null}
          normals={sides[place]?.normals ?? null}
        />
      ))}
      <section class="panel compare-words" aria-labelledby="words-title" aria-live="polite">
        <h2 id="words-title">What differs</h2>
        <PointChoice
          points={sharedPoints(installed)}
          chosen={chosen}
          onChoose={(name) => (choice.value = name)}
        />
        {left && right ? (
          <CompareTable sides={[left, right]} />
        ) : (
          <p class="hint">As soon as both have scored the image, it is said here.</p>
        )}
      </section>
    </div>
  );
}

function sideOf(run: Run, model: Model | null, chosen: string): Side | null {
  const { value } = run.state;
  if (value.kind !== "done") return null;
  const decision = decisionAt(value.result, chosen, model?.default_operating_point);
  return decision && { result: value.result, decision, normals: model?.calibration_patients ?? null };
}

/** The first model's points that the other has too: a rate is compared with the same rate. */
function sharedPoints([one, other]: readonly (Model | null)[]): OperatingPoint[] {
  const points = one?.operating_points ?? [];
  return points.filter(({ name }) => other?.operating_points.some((point) => point.name === name));
}

interface PointChoiceProps {
  points: readonly OperatingPoint[];
  chosen: string;
  onChoose: (name: string) => void;
}

function PointChoice({ points, chosen, onChoose }: PointChoiceProps) {
  return (
    <label>
      Flag at{" "}
      <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
        {points.map(({ name, false_alarm_rate }) => (
          <option key={name} value={name}>
            {rateText(false_alarm_rate)}
          </option>
        ))}
      </select>{" "}
      false alarms
    </label>
  );
}

interface SliceChoiceProps {
  count: number;
  /** Null while each shows its own highest. */
  slice: number | null;
  /** Where the slider begins. */
  start: number;
  onSlice: (slice: number | null) => void;
}

function SliceChoice({ count, slice, start, onSlice }: SliceChoiceProps) {
  return (
    <div class="panel slice-choice">
      <label for="compare-slice">
        {slice === null ? "Each its highest slice" : `Slice ${slice + 1} of ${count}`}
      </label>
      <input
        id="compare-slice"
        type="range"
        min={1}
        max={count}
        value={(slice ?? start) + 1}
        aria-valuetext={slice === null ? "each its highest slice" : `slice ${slice + 1} of ${count}`}
        onInput={(event) => onSlice(event.currentTarget.valueAsNumber - 1)}
      />
      {slice !== null && (
        <button type="button" onClick={() => onSlice(null)}>
          Each its highest
        </button>
      )}
    </div>
  );
}
