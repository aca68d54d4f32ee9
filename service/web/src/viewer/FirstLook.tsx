/** The service's own drawing of the worst slice: there at once, and all there is once the image itself is gone. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

interface Props {
  /** A PNG; null until it is there. */
  picture: ArrayBuffer | null;
  /** Why there is no more than this; "" while the image is loading. */
  note: string;
}

export function FirstLook({ picture, note }: Props) {
  const address = useSignal("");
  useEffect(() => {
    if (!picture) return;
    const made = URL.createObjectURL(new Blob([picture], { type: "image/png" }));
    address.value = made;
    return () => URL.revokeObjectURL(made);
  }, [picture]);
  return (
    <div class="first-look">
      {address.value && <img src={address.value} alt="Heatmap over the slice with the highest anomaly" />}
      <p class={note ? "warning" : "hint"} role="status">
        {note || "Loading the image in full resolution…"}
      </p>
    </div>
  );
}
