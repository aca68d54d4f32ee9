/** Many images at once: a table of what the model says of each, and how it agrees with labels. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listModels } from "../api/client";
import { key } from "../state/key";
import { Figures } from "./Figures";
import { Progress } from "./Progress";
import { ResultTable } from "./ResultTable";
import { images, model, models, startedAt } from "./state";
import { Steps } from "./Steps";
import "./batch.css";
import "./figures.css";

export default function BatchPage() {
  const trouble = useSignal("");
  useEffect(() => {
    void loadModels().then((sentence) => (trouble.value = sentence));
  }, [key.value]);
  const isStarted = startedAt.value !== null;
  return (
    <div class="page batch">
      <header class="batch-line">
        <h1>Batch</h1>
        <p class="hint">
          Score many images at once and, with labels, see how well the scores agree with them. File names stay
          in this tab.
        </p>
      </header>
      {trouble.value ? (
        <p class="warning" role="alert">
          {trouble.value}
        </p>
      ) : null}
      {isStarted ? <Progress /> : <Steps />}
      {isStarted ? <Figures /> : null}
      {images.value.length ? <ResultTable /> : null}
    </div>
  );
}

async function loadModels(): Promise<string> {
  try {
    models.value = await listModels();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const [first] = models.value;
  if (!first) return "The service has no model installed.";
  if (startedAt.value === null && !model.value) model.value = first.model;
  return "";
}
