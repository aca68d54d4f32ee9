/** The service's own drawing of a slice: there at once, and all there is once the image itself is gone. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getForm } from "../api/client";
import { sizeOf, type ViewState } from "./state";

interface Props {
  view: ViewState;
  /** Why there is no more than this; "" while the image is loading. */
  note: string;
}

export function FirstLook({ view, note }: Props) {
  const picture = useSignal("");
  const { result } = view;
  useEffect(() => {
    const leaving = new AbortController();
    let address = "";
    getForm(result.job_id, "overlay.png", leaving.signal).then(
      (content) => {
        address = URL.createObjectURL(new Blob([content], { type: "image/png" }));
        picture.value = address;
      },
      // Without it there is still what the panel says, and the image itself on its way.
      () => {},
    );
    return () => {
      leaving.abort();
      URL.revokeObjectURL(address);
    };
  }, [result.job_id]);
  const slices = sizeOf(result)[2];
  return (
    <div class="first-look">
      {picture.value && (
        <img
          src={picture.value}
          alt={`Heatmap over the ${slices > 1 ? "slice with its highest value" : "image"}`}
        />
      )}
      <p class={note ? "warning" : "hint"} role="status">
        {note || "Loading the image in full resolution…"}
      </p>
    </div>
  );
}
