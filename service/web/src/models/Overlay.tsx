/** A heatmap as a picture, of one slice or of the highest. */

import { useEffect, useState } from "preact/hooks";
import { getForm } from "../api/client";
import { reasonOf } from "./answers";

interface Props {
  jobId: string;
  /** Counted from 0; null for the slice with the highest score. */
  slice: number | null;
  /** What is to be seen, for those who do not see it. */
  text: string;
}

/** A slider passes many slices on its way: only where it rests is asked for. */
const REST_MS = 80;

export function Overlay({ jobId, slice, text }: Props) {
  const [address, setAddress] = useState<string | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    const ending = new AbortController();
    const form = slice === null ? "overlay.png" : `overlay.png?slice=${slice}`;
    const timer = setTimeout(() => {
      getForm(jobId, form, ending.signal).then(
        (picture) => {
          if (ending.signal.aborted) return;
          setError("");
          setAddress(URL.createObjectURL(new Blob([picture], { type: "image/png" })));
        },
        (reason: unknown) => {
          if (!ending.signal.aborted) setError(reasonOf(reason));
        },
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [jobId, slice]);
  useEffect(() => () => void (address && URL.revokeObjectURL(address)), [address]);
  return (
    <div class="overlay">
      {address && <img src={address} alt={text} />}
      {error && <p class="error">{error}</p>}
    </div>
  );
}
