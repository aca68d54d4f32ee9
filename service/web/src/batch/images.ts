/** From files to images to be scored: which files are meant, and what they are called. */

import type { Source } from "../intake/gather";
import { takeIn } from "../intake/intake";
import { passedOverSentence, strangersSentence } from "../intake/sentences";
import type { SentImage } from "../state/files";

export type ImageToSend = SentImage;

export interface Intake {
  images: ImageToSend[];
  /** The tables, which may hold labels. */
  tables: Source[];
  /** What was left aside that may have been meant, a sentence each. */
  problems: string[];
}

/** The images among the files in the order of their paths, by which labels know them. */
export async function imagesOf(sources: readonly Source[], signal: AbortSignal): Promise<Intake> {
  const tables = sources.filter(({ path }) => /(^|\/)[^./][^/]*\.(csv|tsv)$/i.test(path));
  const others = sources.filter((source) => !tables.includes(source));
  const found = await takeIn(others, () => undefined, signal);
  const problems = [...found.refusals];
  if (found.strangers.length) problems.push(strangersSentence(found.strangers));
  if (found.passedOver.length) problems.push(passedOverSentence(found.passedOver));
  const images = found.images
    .map((image) => ({ ...image, name: pathOf(image) }))
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
  return { images, tables, problems };
}

/** A file's own, and of a series that of its folder. */
function pathOf({ name, files }: SentImage): string {
  const path = files[0]?.name ?? name;
  const folder = path.split("/").slice(0, -1).join("/");
  return files.length > 1 && folder ? folder : path;
}
