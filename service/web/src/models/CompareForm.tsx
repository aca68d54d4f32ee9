/** Which image, and which two models. */

import { useSignal } from "@preact/signals";
import type { Model } from "../api/types";
import { entriesOf, sourcesOf, walk, type Source } from "../intake/gather";
import { takeIn } from "../intake/intake";
import { strangersSentence } from "../intake/sentences";
import type { SentImage } from "../state/files";
import { reasonOf } from "./answers";
import { sampleImage } from "./SampleScore";

interface Props {
  models: readonly Model[];
  image: SentImage | null;
  chosen: readonly [string, string];
  onImage: (image: SentImage) => void;
  onModels: (chosen: [string, string]) => void;
  onCompare: () => void;
}

export function CompareForm({ models, image, chosen, onImage, onModels, onCompare }: Props) {
  const isOver = useSignal(false);
  const error = useSignal("");
  const isSame = chosen[0] === chosen[1];

  async function take(sources: AsyncIterable<Source> | Iterable<Source>): Promise<void> {
    const { images, strangers, refusals } = await takeIn(
      sources,
      () => undefined,
      new AbortController().signal,
    );
    const [first, ...others] = images;
    error.value = refusals[0] ?? (strangers.length ? strangersSentence(strangers) : "");
    if (others.length) error.value = `Of ${images.length} images the first is taken; two models see one.`;
    if (first) onImage(first);
  }

  return (
    <form
      class="panel compare-form"
      data-over={isOver.value}
      onSubmit={(event) => {
        event.preventDefault();
        onCompare();
      }}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        // The worklist takes what is dropped elsewhere.
        event.stopPropagation();
        isOver.value = false;
        if (event.dataTransfer) void take(walk(entriesOf(event.dataTransfer)));
      }}
    >
      <fieldset>
        <legend>Image: drop it here, or choose</legend>
        <div class="image-choice">
          <label class="file-button">
            Choose files
            <input
              type="file"
              multiple
              onChange={(event) => {
                void take(sourcesOf(event.currentTarget.files ?? []));
                event.currentTarget.value = "";
              }}
            />
          </label>
          <button
            type="button"
            onClick={() =>
              void sampleImage().then(onImage, (reason: unknown) => (error.value = reasonOf(reason)))
            }
          >
            Use the sample X-ray
          </button>
          <output>{image?.name ?? "no image yet"}</output>
        </div>
      </fieldset>
      {(["First model", "Second model"] as const).map((label, place) => (
        <label key={label}>
          <span>{label}</span>
          <select
            value={chosen[place]}
            onChange={(event) => {
              const next: [string, string] = [...chosen];
              next[place] = event.currentTarget.value;
              onModels(next);
            }}
          >
            {models.map(({ model }) => (
              <option key={model} value={model}>
                {model}
              </option>
            ))}
          </select>
        </label>
      ))}
      <button type="submit" disabled={!image || isSame}>
        Compare
      </button>
      {isSame && <p class="hint">Choose two different models.</p>}
      {error.value && (
        <p class="error" role="alert">
          {error.value}
        </p>
      )}
    </form>
  );
}
