/** Tells a screen reader which jobs have ended, politely and not too often. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { nameOf } from "../state/files";
import { jobs } from "../state/jobs";
import { Announcements } from "./announcements";

const AT_MOST_EVERY_MS = 4000;

export function Announcer() {
  const sentence = useSignal("");
  const announcements = useMemo(() => new Announcements(), []);
  useEffect(() => jobs.subscribe((all) => announcements.watch(all)), []);
  useEffect(() => {
    const timer = setInterval(() => {
      const found = announcements.tell(nameOf);
      if (found) sentence.value = found;
    }, AT_MOST_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="hidden-text" role="status">
      {sentence.value}
    </p>
  );
}
