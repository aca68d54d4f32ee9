/** The files of a ZIP archive, unpacked in the page and within bounds. */

import { Inflate } from "fflate";
import { bytes } from "../ui/format";
import type { Breath } from "./breath";
import type { Source } from "./gather";
import { isJunk } from "./junk";
import { membersOf, packedContent, type Member } from "./zip-directory";

export interface Bounds {
  files: number;
  bytes: number;
}

export const BOUNDS: Bounds = { files: 20_000, bytes: 4e9 };
/** Inflates in a few milliseconds. */
const PIECE_BYTES = 256 * 1024;
const DEFLATED = 8;

/** Why an archive is refused, in one sentence. */
export class ArchiveError extends Error {}

/** Each file of it; throws an ArchiveError. */
export async function* unpack(archive: Source, breath: Breath, bounds = BOUNDS): AsyncGenerator<Source> {
  const name = archive.path;
  const members = (await membersOf(archive.file))?.filter(({ path }) => !isJunk(path));
  if (!members) throw new ArchiveError(`${name} is damaged or incomplete; copy it again.`);
  check(name, members, bounds);
  for (const member of members) {
    const content = await contentOf(archive.file, member, breath);
    if (!content) throw new ArchiveError(`${name} is damaged at ${member.path}; copy it again.`);
    yield { path: `${name}/${member.path}`, file: content };
  }
}

function check(name: string, members: Member[], bounds: Bounds): void {
  const total = members.reduce((sum, member) => sum + member.bytes, 0);
  if (members.length > bounds.files) {
    const [found, most] = [members.length.toLocaleString("en"), bounds.files.toLocaleString("en")];
    throw new ArchiveError(`${name} holds ${found} files, over ${most}; drop one study at a time.`);
  }
  if (total > bounds.bytes) {
    const [found, most] = [bytes(total), bytes(bounds.bytes)];
    throw new ArchiveError(`${name} unpacks to ${found}, over ${most}; drop the unpacked folder instead.`);
  }
  if (members.some((member) => member.isEncrypted)) {
    throw new ArchiveError(`${name} is locked with a password; unpack it first and drop the folder.`);
  }
  if (members.some(({ method }) => method !== 0 && method !== DEFLATED)) {
    throw new ArchiveError(`${name} is packed in an unusual way; unpack it first and drop the folder.`);
  }
}

/** Null where it is damaged, or longer than it says. */
async function contentOf(archive: Blob, member: Member, breath: Breath): Promise<Blob | null> {
  const packed = await packedContent(archive, member);
  if (!packed || packed.size !== member.packedBytes) return null;
  if (member.method !== DEFLATED) return packed;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const stream = new Inflate((piece) => {
    length += piece.length;
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  });
  try {
    for (let begin = 0; begin < packed.size; begin += PIECE_BYTES) {
      const piece = packed.slice(begin, begin + PIECE_BYTES);
      stream.push(new Uint8Array(await piece.arrayBuffer()), begin + PIECE_BYTES >= packed.size);
      if (length > member.bytes) return null;
      await breath();
    }
  } catch {
    return null;
  }
  return length === member.bytes ? new Blob(pieces) : null;
}
