/** Files out of a drop, a paste or a chooser; folders are walked through. */

export interface Source {
  /** Folders and name, as the browser tells them; they never leave this tab. */
  path: string;
  file: Blob;
}

/** What a drop holds; it has to be asked for while the event lasts. */
export function entriesOf(transfer: DataTransfer): FileSystemEntry[] {
  return [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
}

export function sourcesOf(files: Iterable<File>): Source[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Every file below the entries, folder by folder. */
export async function* walk(entries: readonly FileSystemEntry[]): AsyncGenerator<Source> {
  for (const entry of entries) {
    if (entry.isDirectory) yield* walk(await childrenOf(entry as FileSystemDirectoryEntry));
    else yield { path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry as FileSystemFileEntry) };
  }
}

async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    if (some.length === 0) return children.sort((a, b) => (a.name < b.name ? -1 : 1));
    children.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<Blob> {
  // What cannot be opened is told like any other file that is no image: an empty one is none.
  return new Promise((resolve) => entry.file(resolve, () => resolve(new Blob())));
}
