/** Lets the page draw and answer between pieces of long work. */

const SLICE_MS = 10;

export type Breath = () => Promise<void>;

/** A function to call between pieces; it waits only when the last wait is long enough ago. */
export function breathing(): Breath {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    began = performance.now();
  };
}
