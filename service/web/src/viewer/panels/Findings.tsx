/** The regions above the map's threshold; choosing one centres the view on it. */

import { useSignal } from "@preact/signals";
import type { Finding } from "../../api/types";
import { sizeOf, type ViewState } from "../state";
import { centreOf, currentFinding, peakText, placeText, sizeText } from "./regions";

const FEW = 6;

interface Props {
  view: ViewState;
  /** Null while it is unknown. */
  mapThreshold: number | null;
}

export function Findings({ view, mapThreshold }: Props) {
  const isLong = useSignal(false);
  const { findings } = view.result;
  const size = sizeOf(view.result);
  const current = currentFinding(findings, view.at.value);
  const shown = isLong.value ? findings : findings.slice(0, Math.max(FEW, current + 1));
  return (
    <section aria-labelledby="findings-title">
      <h3 id="findings-title">
        {findings.length === 0 ? "No findings" : `Findings (${findings.length})`}
        <span class="hint"> above the map's threshold</span>
      </h3>
      <ol class="findings">
        {shown.map((finding, index) => (
          <li key={index}>
            <button
              type="button"
              aria-current={index === current ? "true" : undefined}
              onClick={() => (view.at.value = centreOf(finding, size))}
            >
              <FindingText place={index + 1} finding={finding} slices={size[2]} mapThreshold={mapThreshold} />
            </button>
          </li>
        ))}
      </ol>
      {findings.length > shown.length && (
        <button type="button" class="quiet" onClick={() => (isLong.value = true)}>
          Show all {findings.length}
        </button>
      )}
    </section>
  );
}

interface TextProps {
  place: number;
  finding: Finding;
  slices: number;
  mapThreshold: number | null;
}

function FindingText({ place, finding, slices, mapThreshold }: TextProps) {
  const isVolume = slices > 1;
  const slice = Math.round(finding.centroid_voxels[2]) + 1;
  return (
    <>
      <b>
        <span class="hidden-text">Finding </span>
        {place}
      </b>
      <span class="finding-size">{sizeText(finding, isVolume)}</span>
      <span class="finding-peak">{peakText(finding, mapThreshold)}</span>
      <small>
        {isVolume && `slice ${slice} of ${slices}`}
        {isVolume && finding.centroid_mm && " · "}
        {finding.centroid_mm && `${placeText(finding.centroid_mm)} mm`}
        {!isVolume && !finding.centroid_mm && pixelText(finding)}
      </small>
    </>
  );
}

function pixelText({ centroid_voxels: [column, row] }: Finding): string {
  return `column ${Math.round(column) + 1}, row ${Math.round(row) + 1}`;
}
