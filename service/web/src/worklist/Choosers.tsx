/** The ways to bring images by button. */

import { useEffect, useRef } from "preact/hooks";
import { sourcesOf } from "../intake/gather";
import { read } from "./reading";

export function Choosers() {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // No attribute that JSX knows.
    if (folder.current) folder.current.webkitdirectory = true;
  }, []);
  return (
    <>
      <button type="button" class="primary" onClick={() => files.current?.click()}>
        Choose files
      </button>
      <button type="button" onClick={() => folder.current?.click()}>
        Choose a folder
      </button>
      <input ref={files} type="file" multiple hidden aria-label="Files to score" onChange={take} />
      <input ref={folder} type="file" multiple hidden aria-label="Folder to score" onChange={take} />
    </>
  );
}

function take(event: Event): void {
  const input = event.currentTarget as HTMLInputElement;
  void read(sourcesOf([...(input.files ?? [])]));
  // The same files again are a change again.
  input.value = "";
}
