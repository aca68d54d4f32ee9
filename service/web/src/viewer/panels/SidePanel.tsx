/** What the result means, beside the image: one sentence first, then what stands behind it. */

import type { Calibration, Result } from "../../api/types";
import { useCalibration, useModels, type Answer } from "../../models/answers";
import { Distribution } from "../../plots/Distribution";
import type { ViewState } from "../state";
import { Cautions } from "./Cautions";
import { DecisionCard } from "./DecisionCard";
import { Downloads } from "./Downloads";
import { Findings } from "./Findings";
import { cautionsOf, departures } from "./meaning";
import { ModelBrief } from "./ModelBrief";
import { OperatingPoints } from "./OperatingPoints";
import { choiceOf, decisionAt } from "./point";
import { Terms } from "./Terms";
import "./panels.css";

export function SidePanel({ view }: { view: ViewState }) {
  const { result } = view;
  const calibration = useCalibration(result.model);
  const models = useModels();
  const model = models.value?.find((one) => one.model === result.model) ?? null;
  const choice = choiceOf(view);
  const decision = decisionAt(result, choice.value, calibration.value?.default_operating_point);
  const normals = calibration.value?.scores.length ?? null;
  return (
    <section class="side-panel" aria-label="What the result means">
      <div class="side-columns">
        <div class="side-column">
          <DecisionCard result={result} decision={decision} normals={normals} />
          <Cautions cautions={cautionsOf(result.warnings, normals)} />
          <div class="weighed" data-void={departures(result.warnings).length > 0}>
            {decision && (
              <OperatingPoints
                decisions={result.decisions}
                chosen={decision.operating_point}
                onChoose={(name) => (choice.value = name)}
              />
            )}
            <BesideNormals
              result={result}
              calibration={calibration}
              chosen={decision?.operating_point ?? ""}
            />
            <Terms result={result} normals={normals} />
          </div>
        </div>
        <div class="side-column">
          <Findings view={view} mapThreshold={calibration.value?.map_threshold ?? null} />
          <Downloads result={result} />
          <ModelBrief result={result} model={model} error={models.error} />
          <p class="research-note">{result.intended_use}</p>
        </div>
      </div>
    </section>
  );
}

interface PlotProps {
  result: Result;
  calibration: Answer<Calibration>;
  chosen: string;
}

function BesideNormals({ result, calibration, chosen }: PlotProps) {
  return (
    <section aria-labelledby="normals-title">
      <h3 id="normals-title">Beside held-out normals</h3>
      {calibration.value && (
        <Distribution calibration={calibration.value} chosen={chosen} score={result.score} />
      )}
      {calibration.error && <p class="hint">The plot cannot be drawn: {calibration.error}</p>}
    </section>
  );
}
