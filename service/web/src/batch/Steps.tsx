/** The three steps before a batch: its images, their labels if there are any, and by which model. */

import { useComputed, useSignal } from "@preact/signals";
import { bytes } from "../ui/format";
import { entriesOf, sourcesOf, walk, type Source } from "../intake/gather";
import { imagesOf, type ImageToSend } from "./images";
import { textOf } from "./csv";
import { send } from "./sending";
import { images, labelling, model, models, scope, sendings, table } from "./state";

/** Take what was chosen or dropped; a table among the images is their labels. Says what was left aside. */
export async function take(sources: readonly Source[]): Promise<string[]> {
  const { images: found, tables, problems } = await imagesOf(sources, new AbortController().signal);
  const [labels] = tables;
  if (found.length) {
    images.value = found;
    sendings.value = [];
  }
  if (labels) await takeLabels(labels);
  return problems;
}

export async function takeLabels({ path, file }: Source): Promise<void> {
  table.value = { name: path, text: textOf(new Uint8Array(await file.arrayBuffer())) };
}

/** All files that were dropped. To be called while the event is handled. */
async function dropped(transfer: DataTransfer): Promise<Source[]> {
  const found: Source[] = [];
  for await (const source of walk(entriesOf(transfer))) found.push(source);
  return found;
}

export function Steps() {
  return (
    <div class="batch-steps">
      <ImagesStep />
      <LabelsStep />
      <StartStep />
    </div>
  );
}

function ImagesStep() {
  const isOver = useSignal(false);
  const isLooking = useSignal(false);
  const problems = useSignal<string[]>([]);
  const count = images.value.length;

  async function chosen(sources: readonly Source[] | Promise<readonly Source[]>): Promise<void> {
    isLooking.value = true;
    problems.value = await take(await sources).catch((error: unknown) => [
      `These files cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ]);
    isLooking.value = false;
  }

  return (
    <section class="panel batch-step" aria-labelledby="step-images" data-done={count > 0}>
      <h2 id="step-images">
        <span class="step-number">1</span> Images
      </h2>
      <div
        class="batch-drop"
        data-over={isOver.value}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => (isOver.value = false)}
        onDrop={(event) => {
          event.preventDefault();
          event.stopPropagation();
          isOver.value = false;
          if (event.dataTransfer) void chosen(dropped(event.dataTransfer));
        }}
      >
        {isLooking.value ? (
          <p>Looking through the files…</p>
        ) : count ? (
          <Chosen />
        ) : (
          <p>Drop a folder or many files here, or</p>
        )}
        <div class="batch-buttons">
          <FilePicker
            text={count ? "Another folder" : "Choose a folder"}
            isFolder
            isPrimary={!count}
            onFiles={(files) => chosen(sourcesOf(files))}
          />
          <FilePicker
            text={count ? "Other files" : "Choose files"}
            onFiles={(files) => chosen(sourcesOf(files))}
          />
        </div>
      </div>
      <div role="alert">
        {problems.value.map((problem) => (
          <p key={problem} class="warning">
            {problem}
          </p>
        ))}
      </div>
      {count ? null : (
        <p class="hint">
          DICOM, NIfTI, PNG and JPEG; a DICOM series is one image, and a zip is as its folder.
        </p>
      )}
    </section>
  );
}

function Chosen() {
  const size = useComputed(() => images.value.reduce((total, image) => total + sizeOf(image), 0));
  const folders = useComputed(() => new Set(images.value.map(({ name }) => name.replace(/[^/]*$/, ""))).size);
  const { length: count } = images.value;
  return (
    <p>
      <strong class="big">{count}</strong> {count === 1 ? "image" : "images"}
      {folders.value > 1 ? ` in ${folders.value} folders` : ""}, {bytes(size.value)}
    </p>
  );
}

function sizeOf({ files }: ImageToSend): number {
  return files.reduce((total, { file }) => total + file.size, 0);
}

function LabelsStep() {
  return (
    <section class="panel batch-step" aria-labelledby="step-labels" data-done={table.value !== null}>
      <h2 id="step-labels">
        <span class="step-number">2</span> Labels <small class="hint">optional</small>
      </h2>
      {table.value ? (
        <>
          <LabelsCount />
          <LabelProblems />
        </>
      ) : (
        <>
          <p class="hint">
            A CSV with one row for each image: 0 is normal, 1 is anomalous. With it you get a ROC, sensitivity
            and false-alarm rate.
          </p>
          <pre class="batch-example" aria-label="Example of a labels file">
            path,label{"\n"}ward-a/001.png,0{"\n"}ward-a/002.png,1
          </pre>
        </>
      )}
      <div class="batch-buttons">
        <LabelsPicker />
        {table.value ? (
          <button type="button" class="quiet" onClick={() => (table.value = null)}>
            Remove
          </button>
        ) : null}
      </div>
    </section>
  );
}

export function LabelsPicker() {
  return (
    <FilePicker
      text={table.value ? "Another CSV" : "Choose a labels CSV"}
      accept=".csv,.tsv,.txt,text/csv"
      onFiles={([file]) => file && void takeLabels({ path: file.name, file })}
    />
  );
}

export function LabelsCount() {
  const { labels } = labelling.value;
  const anomalous = [...labels.values()].filter((label) => label === 1).length;
  return (
    <p role="status">
      <strong>{labels.size}</strong> of {images.value.length} images labelled: {labels.size - anomalous}{" "}
      normal, {anomalous} anomalous
    </p>
  );
}

export function LabelProblems() {
  const { problems } = labelling.value;
  if (!problems.length) return null;
  return (
    <ul class="warning batch-problems" aria-label="What does not fit in the labels file">
      {problems.map((problem) => (
        <li key={problem}>{problem}</li>
      ))}
    </ul>
  );
}

function StartStep() {
  const own = models.value.find(({ model: reference }) => reference === model.value);
  const count = images.value.length;
  return (
    <section class="panel batch-step" aria-labelledby="step-start">
      <h2 id="step-start">
        <span class="step-number">3</span> Model
      </h2>
      <label class="batch-field">
        <span class="hidden-text">Model</span>
        <select value={model.value} onChange={(event) => (model.value = event.currentTarget.value)}>
          {models.value.map(({ model: reference }) => (
            <option key={reference} value={reference}>
              {reference}
            </option>
          ))}
          <option value="">chosen by each image</option>
        </select>
      </label>
      <p class="hint">{own ? own.description : "The service picks the model whose scope an image fits."}</p>
      <fieldset class="batch-scope">
        <legend>Images that the model is not for</legend>
        <ScopeChoice value="enforce" text="leave out, and say so" />
        <ScopeChoice value="warn" text="score all the same, with a warning" />
      </fieldset>
      <button type="button" class="primary" disabled={!count} onClick={() => void send()}>
        {count ? `Score ${count} ${count === 1 ? "image" : "images"}` : "Score the images"}
      </button>
      {count ? null : <p class="hint">First choose images.</p>}
    </section>
  );
}

function ScopeChoice({ value, text }: { value: "enforce" | "warn"; text: string }) {
  return (
    <label>
      <input
        type="radio"
        name="batch-scope"
        checked={scope.value === value}
        onChange={() => (scope.value = value)}
      />
      {text}
    </label>
  );
}

interface PickerProps {
  text: string;
  accept?: string;
  isFolder?: boolean;
  isPrimary?: boolean;
  onFiles: (files: File[]) => unknown;
}

/** A button that is a file input: the input itself has the focus and the keyboard. */
function FilePicker({ text, accept, isFolder = false, isPrimary = false, onFiles }: PickerProps) {
  return (
    <label class={isPrimary ? "batch-picker primary" : "batch-picker"}>
      {text}
      <input
        type="file"
        class="hidden-text"
        multiple={!accept}
        {...(accept ? { accept } : {})}
        {...(isFolder ? { webkitdirectory: true } : {})}
        onChange={(event) => {
          const input = event.currentTarget;
          onFiles([...(input.files ?? [])]);
          // The same choice again is a choice as well.
          input.value = "";
        }}
      />
    </label>
  );
}
