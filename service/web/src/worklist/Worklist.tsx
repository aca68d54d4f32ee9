/** The first page: bring images, see how far they are and what came out, open one. */

import { isLoaded } from "../state/jobs";
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
        isLoaded.value ? (
          <Empty />
        ) : (
          <p class="loading">Loading…</p>
        )
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
