/** From files to images to be scored: which files are meant, and what they are called. */

import type { SentImage } from "../state/files";

export type ImageToSend = SentImage;

const NO_IMAGES =
  /(^|\/)(\.[^/]*|__MACOSX\/.*|thumbs\.db|desktop\.ini|DICOMDIR|[^/]*\.(csv|tsv|txt|json|xlsx?|md|pdf|html?|xml))$/i;

export interface Intake {
  images: ImageToSend[];
  /** What was left aside that may have been meant, a sentence each. */
  problems: string[];
}

/** The images among the files, in the order of their names; each file is one image. */
export async function imagesOf(files: readonly File[]): Promise<Intake> {
  const images = files
    .map((file) => ({ file, name: pathOf(file) }))
    .filter(({ name }) => !NO_IMAGES.test(name))
    .sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }))
    .map(({ file, name }) => ({ name, files: [{ field: "file", file, name }] }));
  const isNothing = files.length > 0 && !images.length && !tablesOf(files).length;
  return { images, problems: isNothing ? ["None of these files can be an image."] : [] };
}

/** The files that may hold labels. */
export function tablesOf(files: readonly File[]): File[] {
  return files.filter((file) => /\.(csv|tsv)$/i.test(file.name) && !file.name.startsWith("."));
}

function pathOf(file: File): string {
  return file.webkitRelativePath || file.name;
}

/** All files that were dropped, those of folders too. To be called while the event is handled. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const found = await Promise.all(entries.map((entry) => (entry ? filesUnder(entry) : [])));
  return found.flat();
}

async function filesUnder(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    // A dropped file has no path of its own, other than a chosen one.
    Object.defineProperty(file, "webkitRelativePath", { value: entry.fullPath.replace(/^\//, "") });
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // A browser hands out a folder's entries by the hundred.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (!entries.length) return files;
    files.push(...(await Promise.all(entries.map(filesUnder))).flat());
  }
}
