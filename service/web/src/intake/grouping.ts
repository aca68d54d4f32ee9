/** Files to images: the instances of a series that have a place in the patient are one, all others one each. */

import type { SentImage } from "../state/files";
import type { Header } from "./dicom-header";
import type { Source } from "./gather";

export interface DicomSource extends Source {
  header: Header;
}

/** Images in the order in which their first files came. */
export function groupSeries(sources: readonly DicomSource[]): SentImage[] {
  const groups = new Map<string, DicomSource[]>();
  sources.forEach((source, place) => {
    const { series, hasPosition, frames } = source.header;
    const isSlice = series !== "" && hasPosition && frames === 1;
    const id = isSlice ? series : `alone ${place}`;
    const group = groups.get(id);
    if (group) group.push(source);
    else groups.set(id, [source]);
  });
  return [...groups.values()].map(imageOf);
}

export function imageOfOne(source: Source): SentImage {
  return { name: lastOf(source.path), files: [fileOf(source)] };
}

function imageOf(group: DicomSource[]): SentImage {
  const [first] = group as [DicomSource];
  if (group.length === 1) return imageOfOne(first);
  // Single files of a series are called by numbers; its folder, archive or description is what people know it by.
  const place = lastOf(first.path.split("/").slice(0, -1).join("/"));
  const names = [place, first.header.description].filter((name) => name !== "");
  return { name: names.join(" · ") || lastOf(first.path), files: group.map(fileOf) };
}

function fileOf({ path, file }: Source): SentImage["files"][number] {
  return { field: "file", file, name: path };
}

function lastOf(path: string): string {
  return path.split("/").at(-1) ?? path;
}
