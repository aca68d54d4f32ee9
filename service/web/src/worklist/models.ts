/** The models that can be chosen for what is sent. */

import { signal } from "@preact/signals";
import { listModels, ServiceError } from "../api/client";
import type { Model } from "../api/types";

export const models = signal<readonly Model[]>([]);

export async function loadModels(): Promise<void> {
  try {
    models.value = await listModels();
  } catch (error) {
    // Away for the moment; the list is asked for again with the next connection.
    if (!(error instanceof ServiceError)) throw error;
  }
}
