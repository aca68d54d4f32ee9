/** Whatever was dropped, into images and one sentence for what is none. */

import type { SentImage } from "../state/files";
import { ArchiveError, unpack } from "./archive";
import { breathing, type Breath } from "./breath";
import { readHeader, type Header } from "./dicom-header";
import type { Source } from "./gather";
import { groupSeries, imageOfOne, type DicomSource } from "./grouping";
import { isJunk } from "./junk";
import { kindOf, type Kind } from "./kind";

export interface Intake {
  images: SentImage[];
  /** Names of what is no image. */
  strangers: string[];
  /** Names of pictures that lie in an archive beside DICOM images: previews, logos. */
  passedOver: string[];
  /** Why an archive was refused, a sentence each. */
  refusals: string[];
}

/** Most headers end here; one that does not is read up to `LONG_BYTES`. */
const SHORT_BYTES = 16 * 1024;
const LONG_BYTES = 256 * 1024;

/** Sort the sources; `on` is told after each file how many were looked at. */
export async function takeIn(
  sources: AsyncIterable<Source> | Iterable<Source>,
  on: (looked: number) => void,
  signal: AbortSignal,
): Promise<Intake> {
  const sorter = new Sorter(on, signal);
  for await (const source of sources) await sorter.take(source);
  return sorter.finish();
}

interface Single {
  source: Source;
  /** The archive that it was in, if any. */
  archive: Source | null;
}

class Sorter {
  private readonly breath: Breath = breathing();
  private readonly dicom: (DicomSource & { archive: Source | null })[] = [];
  private readonly singles: Single[] = [];
  private readonly strangers: string[] = [];
  private readonly refusals: string[] = [];
  private looked = 0;

  constructor(
    private readonly on: (looked: number) => void,
    private readonly signal: AbortSignal,
  ) {}

  async take(source: Source, archive: Source | null = null): Promise<void> {
    this.signal.throwIfAborted();
    if (isJunk(source.path)) return;
    await this.breath();
    const head = await headOf(source.file, SHORT_BYTES);
    const kind = kindOf(head);
    if (kind === "zip" && archive === null) {
      await this.unpack(source);
    } else {
      await this.sort(source, kind, head, archive);
      this.looked += 1;
      this.on(this.looked);
    }
  }

  finish(): Intake {
    const withDicom = new Set(this.dicom.map(({ archive }) => archive));
    const isBeside = ({ archive }: Single) => archive !== null && withDicom.has(archive);
    return {
      images: [
        ...groupSeries(this.dicom),
        ...this.singles.filter((single) => !isBeside(single)).map(({ source }) => imageOfOne(source)),
      ],
      strangers: this.strangers,
      passedOver: this.singles.filter(isBeside).map(({ source }) => source.path),
      refusals: this.refusals,
    };
  }

  private async unpack(archive: Source): Promise<void> {
    try {
      for await (const member of unpack(archive, this.breath)) await this.take(member, archive);
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      this.refusals.push(error.message);
    }
  }

  private async sort(source: Source, kind: Kind, head: Uint8Array, archive: Source | null): Promise<void> {
    if (kind === "dicom") {
      const header = await headerOf(source.file, head);
      if (header?.isDirectory) return;
      if (header?.hasPixels) this.dicom.push({ ...source, header, archive });
      else this.strangers.push(source.path);
    } else if (kind === "nifti") {
      this.singles.push({ source, archive: null });
    } else if (kind === "png" || kind === "jpeg") {
      this.singles.push({ source, archive });
    } else {
      this.strangers.push(source.path);
    }
  }
}

async function headerOf(file: Blob, head: Uint8Array): Promise<Header | null> {
  const header = readHeader(head);
  if (header?.isComplete || head.length === file.size) return header;
  return readHeader(await headOf(file, LONG_BYTES));
}

async function headOf(file: Blob, length: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, length).arrayBuffer());
  } catch {
    // A file that was moved away meanwhile, or that may not be read, is of no kind.
    return new Uint8Array();
  }
}
