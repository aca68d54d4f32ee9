/** What is chosen for the images to come: a model, and how urgent they are. */

import { useEffect } from "preact/hooks";
import { isConnected } from "../state/jobs";
import { loadModels, models } from "./models";
import { choice } from "./outbox";
import type { Choice } from "./queue";

export function SendOptions() {
  useEffect(() => {
    if (isConnected.value) void loadModels();
  }, [isConnected.value]);
  const { model, priority } = choice.value;
  return (
    <div class="options">
      <label>
        Score with
        <select value={model} onChange={(event) => change({ model: event.currentTarget.value })}>
          <option value="">the model that fits</option>
          {models.value.map(({ model: reference, description, contrasts }) => (
            <option key={reference} value={reference} title={description} disabled={contrasts.length > 1}>
              {contrasts.length > 1 ? `${reference} (needs ${contrasts.join(", ")} together)` : reference}
            </option>
          ))}
        </select>
      </label>
      <label>
        Priority
        <select
          value={priority}
          onChange={(event) => change({ priority: event.currentTarget.value as Choice["priority"] })}
        >
          <option value="high">high</option>
          <option value="normal">normal</option>
          <option value="low">low</option>
        </select>
      </label>
    </div>
  );
}

function change(changes: Partial<Choice>): void {
  choice.value = { ...choice.value, ...changes };
}
