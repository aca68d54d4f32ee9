/** Files that operating systems and discs add, and that nobody meant to send. */

const NAMES = new Set(["thumbs.db", "desktop.ini", "dicomdir", "ehthumbs.db"]);

export function isJunk(path: string): boolean {
  const parts = path.split("/");
  const name = parts.at(-1)?.toLowerCase() ?? "";
  return name.startsWith(".") || NAMES.has(name) || parts.includes("__MACOSX");
}
