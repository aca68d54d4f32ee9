/** Each slice's score under the image: where the highest are, where one is, and a way from one to the other. */

import { useComputed, useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useCalibration } from "../../models/answers";
import { number } from "../../ui/format";
import { sizeOf, type ViewState } from "../state";
import { rateText } from "./meaning";
import { choiceOf, decisionAt } from "./point";
import { barsPath, gapsOf, sliceAt, sliceByKey, stripOf } from "./strip";
import "./panels.css";

export function SliceStrip({ view }: { view: ViewState }) {
  const count = sizeOf(view.result)[2];
  if (count <= 1) return null;
  if (view.result.slices.length === 0) {
    return (
      <p class="slice-strip hint">
        No scores by slice: the model cuts this volume in another direction than its own slices.
      </p>
    );
  }
  return <Scores view={view} count={count} />;
}

function Scores({ view, count }: { view: ViewState; count: number }) {
  const { result } = view;
  const calibration = useCalibration(result.model).value;
  const decision = decisionAt(result, choiceOf(view).value, calibration?.default_operating_point);
  const threshold = decision?.threshold ?? null;
  const strip = useMemo(() => stripOf(result.slices, count, threshold), [result, count, threshold]);
  const hovered = useSignal<number | null>(null);
  const slice = useComputed(() => view.at.value[2]).value;
  const go = (next: number) => (view.at.value = [view.at.value[0], view.at.value[1], next]);

  function text(index: number): string {
    const score = strip.scores[index] ?? null;
    if (score === null) return `Slice ${index + 1} of ${count}: beside what the model looks at, no score`;
    const side =
      threshold === null ? "" : score > threshold ? ", above the threshold" : ", below the threshold";
    return `Slice ${index + 1} of ${count}: score ${number(score)}${side}`;
  }

  function follow(event: PointerEvent): void {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    hovered.value = sliceAt((event.clientX - box.left) / box.width, count);
    if (event.buttons === 1) go(hovered.value);
  }

  return (
    <section class="slice-strip" aria-label="Scores by slice">
      <div class="strip-head">
        <span>{text(hovered.value ?? slice)}</span>
        {strip.worst >= 0 && (
          <button type="button" onClick={() => go(strip.worst)} disabled={slice === strip.worst}>
            Highest: slice {strip.worst + 1} ({number(strip.scores[strip.worst] ?? NaN)})
          </button>
        )}
      </div>
      <div
        class="strip"
        role="slider"
        tabIndex={0}
        aria-label="Slice"
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={count}
        aria-valuenow={slice + 1}
        aria-valuetext={text(slice)}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          follow(event);
        }}
        onPointerMove={follow}
        onPointerLeave={() => (hovered.value = null)}
        onKeyDown={(event) => {
          const next = sliceByKey(event.key, slice, count);
          if (next === null) return;
          event.preventDefault();
          // The viewer has keys of its own for the page as a whole.
          event.stopPropagation();
          go(next);
        }}
      >
        <Bars strip={strip} threshold={threshold} />
        {threshold !== null && (
          <span class="strip-threshold" style={{ top: `${strip.height(threshold)}%` }} />
        )}
        {strip.worst >= 0 && (
          <span class="strip-worst" style={placeOf(strip.worst, count)} aria-hidden="true" />
        )}
        {hovered.value !== null && <span class="strip-hover" style={placeOf(hovered.value, count)} />}
        <span class="strip-now" style={placeOf(slice, count)} />
      </div>
      <div class="strip-axis" aria-hidden="true">
        <span>1</span>
        <span>
          slice
          {threshold !== null &&
            decision &&
            ` · dashed: ${limitText(result, threshold, rateText(decision.false_alarm_rate))}`}
        </span>
        <span>{count}</span>
      </div>
    </section>
  );
}

function Bars({ strip, threshold }: { strip: ReturnType<typeof stripOf>; threshold: number | null }) {
  const count = strip.scores.length;
  return useMemo(
    () => (
      <svg viewBox={`0 0 ${count} 100`} preserveAspectRatio="none" aria-hidden="true">
        {gapsOf(strip.scores).map(([first, last]) => (
          <rect key={first} class="no-score" x={first} width={last - first + 1} y={0} height={100} />
        ))}
        <path class="below" d={barsPath(strip, (score) => threshold === null || score <= threshold)} />
        <path class="above" d={barsPath(strip, (score) => threshold !== null && score > threshold)} />
      </svg>
    ),
    [strip, threshold],
  );
}

const placeOf = (slice: number, count: number) => ({
  left: `${(100 * slice) / count}%`,
  width: `${100 / count}%`,
});

/** The threshold is on the whole image's score, which is its highest slice's only where that is the model's rule. */
function limitText({ slices, score }: ViewState["result"], threshold: number, rate: string): string {
  const highest = Math.max(...slices.map((one) => one.score));
  const isRuledByHighest = Math.abs(highest - score) <= 1e-6 * Math.max(1, Math.abs(score));
  const what = isRuledByHighest ? "flagged above" : "the whole image's score is flagged above";
  return `${what} ${number(threshold)} (${rate} false alarms)`;
}
