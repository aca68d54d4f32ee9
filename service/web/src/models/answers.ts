/** What the service says of its models, asked for once. */

import { useEffect, useState } from "preact/hooks";
import { getCalibration, listModels } from "../api/client";
import type { Calibration, Model } from "../api/types";
import { key } from "../state/key";

export interface Answer<T> {
  value: T | null;
  /** Why there is none, as a sentence. */
  error: string | null;
}

const kept = new Map<string, Promise<unknown>>();

/** Ask once for each name; a refusal is not kept, so that the next one to ask tries again. */
export function askOnce<T>(name: string, load: () => Promise<T>): Promise<T> {
  const known = kept.get(name) as Promise<T> | undefined;
  if (known) return known;
  const asked = load();
  kept.set(name, asked);
  asked.catch(() => kept.delete(name));
  return asked;
}

/** The answer as soon as it is there; asked for anew when the name or the key changes. */
export function useAnswer<T>(name: string, load: () => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { name: string }>({ name, value: null, error: null });
  const secret = key.value;
  useEffect(() => {
    let isWanted = true;
    askOnce(name, load).then(
      (value) => isWanted && setAnswer({ name, value, error: null }),
      (error: unknown) => isWanted && setAnswer({ name, value: null, error: reasonOf(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [name, secret]);
  return answer.name === name ? answer : { value: null, error: null };
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const useModels = (): Answer<Model[]> => useAnswer("models", listModels);

export const useCalibration = (model: string): Answer<Calibration> =>
  useAnswer(`calibration of ${model}`, () => getCalibration(model));
