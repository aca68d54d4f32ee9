/**
 * The members of a ZIP archive, by its central directory.
 *
 * Source: APPNOTE.TXT 4.3.12 to 4.3.16. Streamed without it, a member of unknown size ends wherever four of its bytes look like a
 * header's, which in half a gigabyte of pixels is likely.
 */

export interface Member {
  path: string;
  isEncrypted: boolean;
  /** 0 stored, 8 deflated. */
  method: number;
  packedBytes: number;
  bytes: number;
  /** Where its local header begins. */
  offset: number;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const LONGEST_COMMENT = 0xffff;
const FULL = 0xffffffff;

/** Null where the archive is damaged, or none. */
export async function membersOf(archive: Blob): Promise<Member[] | null> {
  const tailAt = Math.max(0, archive.size - END_BYTES - LONGEST_COMMENT - LOCATOR_BYTES);
  const tail = await viewOf(archive, tailAt, archive.size);
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== END) end -= 1;
  if (end < 0) return null;
  let [bytes, offset] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  const locator = end - LOCATOR_BYTES;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    const end64 = await viewOf(archive, at, at + 56);
    if (end64.byteLength < 56 || end64.getUint32(0, true) !== END_64) return null;
    [bytes, offset] = [Number(end64.getBigUint64(40, true)), Number(end64.getBigUint64(48, true))];
  }
  return offset + bytes <= archive.size ? entriesOf(await viewOf(archive, offset, offset + bytes)) : null;
}

/** The packed content of a member; null where its header is not where the directory says. */
export async function packedContent(archive: Blob, member: Member): Promise<Blob | null> {
  const header = await viewOf(archive, member.offset, member.offset + 30);
  if (header.byteLength < 30 || header.getUint32(0, true) !== LOCAL) return null;
  const begin = member.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  return archive.slice(begin, begin + member.packedBytes);
}

function entriesOf(view: DataView): Member[] | null {
  const members: Member[] = [];
  for (let at = 0; at + 46 <= view.byteLength;) {
    if (view.getUint32(at, true) !== ENTRY) return null;
    const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true)) as [
      number,
      number,
      number,
    ];
    if (at + 46 + name + extra + comment > view.byteLength) return null;
    const path = pathOf(view, at, name);
    if (!path.endsWith("/")) {
      members.push({
        path,
        isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
        method: view.getUint16(at + 10, true),
        ...sizesOf(view, at, at + 46 + name, extra),
      });
    }
    at += 46 + name + extra + comment;
  }
  return members;
}

function pathOf(view: DataView, at: number, length: number): string {
  const isUtf8 = (view.getUint16(at + 8, true) & 0x0800) !== 0;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, length);
  return new TextDecoder(isUtf8 ? "utf-8" : "latin1").decode(bytes).replaceAll("\\", "/");
}

/** What does not fit into 32 bits stands, in this order, in the extra field 1 (APPNOTE.TXT 4.5.3). */
function sizesOf(view: DataView, at: number, extraAt: number, extra: number) {
  let long = -1;
  for (let place = extraAt; place + 4 <= extraAt + extra; place += 4 + view.getUint16(place + 2, true)) {
    if (view.getUint16(place, true) === 1) long = place + 4;
  }
  const value = (place: number): number => {
    const short = view.getUint32(at + place, true);
    if (short !== FULL || long < 0 || long + 8 > extraAt + extra) return short;
    long += 8;
    return Number(view.getBigUint64(long - 8, true));
  };
  return { bytes: value(24), packedBytes: value(20), offset: value(42) };
}

async function viewOf(blob: Blob, begin: number, end: number): Promise<DataView> {
  return new DataView(await blob.slice(begin, end).arrayBuffer());
}
