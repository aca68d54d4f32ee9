/** The choice of an operating point, each with what it decides. */

import type { Decision } from "../../api/types";
import { number } from "../../ui/format";
import { rateText } from "./meaning";

interface Props {
  decisions: readonly Decision[];
  chosen: string;
  onChoose: (name: string) => void;
}

export function OperatingPoints({ decisions, chosen, onChoose }: Props) {
  return (
    <fieldset class="points">
      <legend>Flag at this rate of false alarms</legend>
      <div class="point-row">
        {decisions.map((decision) => (
          <label key={decision.operating_point} class="point" data-flagged={decision.flagged}>
            <input
              type="radio"
              name="operating-point"
              value={decision.operating_point}
              checked={decision.operating_point === chosen}
              onChange={() => onChoose(decision.operating_point)}
            />
            <b>{rateText(decision.false_alarm_rate)}</b>
            <span>{outcome(decision)}</span>
            <small>
              {decision.threshold === null ? "no threshold" : `limit ${number(decision.threshold)}`}
            </small>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function outcome({ flagged }: Decision): string {
  if (flagged === null) return "too few calibration patients";
  return flagged ? "flagged" : "not flagged";
}
