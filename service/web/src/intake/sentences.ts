/** What to say of files that were not sent. */

const NAMED = 6;

/** "3 files are no images: a.txt, b.pdf and c.doc." */
export function strangersSentence(names: readonly string[]): string {
  if (names.length === 1) return `1 file is no image: ${listed(names)}.`;
  return `${names.length.toLocaleString("en")} files are no images: ${listed(names)}.`;
}

export function passedOverSentence(names: readonly string[]): string {
  const what =
    names.length === 1
      ? "1 picture beside DICOM images was"
      : `${names.length} pictures beside DICOM images were`;
  return `${what} left out: ${listed(names)}.`;
}

export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names.join("");
  const shown = names.slice(0, names.length > NAMED + 1 ? NAMED : names.length - 1);
  const rest = names.length - shown.length;
  return `${shown.join(", ")} and ${rest === 1 ? names.at(-1) : `${rest.toLocaleString("en")} more`}`;
}
