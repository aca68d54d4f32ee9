/** The first page: bring images, see how far they are and what came out, open one. */

import { isLoaded, isLocked } from "../state/jobs";
import { isKeyWanted } from "../state/key";
import { Announcer } from "./Announcer";
import { Asking } from "./Asking";
import { Choosers } from "./Choosers";
import { DropZone } from "./DropZone";
import { Empty } from "./Empty";
import { Filters } from "./Filters";
import { Grid } from "./Grid";
import { rows } from "./list-state";
import { Notices } from "./Notices";
import { SendOptions } from "./SendOptions";
import "./worklist.css";

export function Worklist() {
  const isEmpty = rows.value.length === 0;
  return (
    <div class="worklist">
      <div class="intake">
        <h1>Worklist</h1>
        {!isEmpty && (
          <div class="ways">
            <Choosers />
            <span class="hint">or drop them anywhere</span>
          </div>
        )}
        <SendOptions />
      </div>
      <Notices />
      {isEmpty ? (
        <Nothing />
      ) : (
        <>
          <Filters />
          <Grid />
        </>
      )}
      <Announcer />
      <Asking />
      <DropZone />
    </div>
  );
}

/** Why the list is empty: nobody knows yet, one may not see it, or nothing was sent. */
function Nothing() {
  if (isLoaded.value) return <Empty />;
  if (!isLocked.value) return <p class="loading">Loading…</p>;
  return (
    <div class="locked">
      <p>This service shows its images only to those who have a key.</p>
      <button type="button" class="primary" onClick={() => (isKeyWanted.value = true)}>
        Enter a key
      </button>
    </div>
  );
}
